"""Which reader fills the slots of which intent."""

from collections.abc import Callable
from datetime import datetime

from handlers.understanding.deals import read_advance, read_figures, read_lost, read_new_opportunity, read_won
from handlers.understanding.desk import read_comment, read_handover, read_report, read_visit
from handlers.understanding.followups import read_follow_up, who
from handlers.understanding.leads import read_claim, read_lead, read_release, read_transfer
from handlers.understanding.looks import LOOK_UP, NOBODY
from handlers.understanding.marketing import read_broadcast, read_greeting, read_status, read_stop
from handlers.understanding.mentions import Sentence
from handlers.understanding.money import read_expense, read_payment, read_quote
from handlers.understanding.profile import read_tags, read_update
from handlers.understanding.searching import read_pool, read_search
from handlers.understanding.tasks import read_done, read_reminder, read_snooze, read_task_list

Reader = Callable[[Sentence, datetime], dict[str, object]]


def _who(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Read whom to show; a name without a name's form ("微信访客115") is what stands between the look and the 资料."""
    found = who(sentence)
    match = None if found else LOOK_UP.match(sentence.skeleton)
    if match is None or not match["whom"] or NOBODY.fullmatch(match["whom"]):
        return found
    start, end = match.span("whom")
    return {"person": sentence.raw[sentence.at(start) : sentence.at(end)].strip()}


READERS: dict[str, Reader] = {
    "log_follow_up": read_follow_up,
    "create_lead": read_lead,
    "update_contact": read_update,
    "show_contact": _who,
    "search": read_search,
    "list_tasks": read_task_list,
    "set_reminder": read_reminder,
    "complete_task": read_done,
    "snooze_task": read_snooze,
    "list_pool": read_pool,
    "claim_lead": read_claim,
    "release_lead": read_release,
    "transfer_lead": read_transfer,
    "create_opportunity": read_new_opportunity,
    "advance_opportunity": read_advance,
    "win_opportunity": read_won,
    "lose_opportunity": read_lost,
    "show_funnel": read_figures,
    "show_performance": read_figures,
    "log_visit": read_visit,
    "create_quote": read_quote,
    "log_payment": read_payment,
    "log_expense": read_expense,
    "submit_report": read_report,
    "tag_contact": read_tags,
    "comment": read_comment,
    "schedule_greeting": read_greeting,
    "schedule_broadcast": read_broadcast,
    "broadcast_status": read_status,
    "cancel_broadcast": read_stop,
    "handover": read_handover,
}
