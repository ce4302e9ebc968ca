"""Which reader fills the slots of which intent."""

from collections.abc import Callable
from datetime import datetime

from handlers.understanding.followups import read_follow_up, who
from handlers.understanding.leads import read_claim, read_lead, read_release, read_transfer
from handlers.understanding.mentions import Sentence
from handlers.understanding.tasks import read_done, read_reminder, read_snooze, read_task_list

Reader = Callable[[Sentence, datetime], dict[str, object]]


def _who(sentence: Sentence, now: datetime) -> dict[str, object]:
    return who(sentence)


READERS: dict[str, Reader] = {
    "log_follow_up": read_follow_up,
    "create_lead": read_lead,
    "show_contact": _who,
    "list_tasks": read_task_list,
    "set_reminder": read_reminder,
    "complete_task": read_done,
    "snooze_task": read_snooze,
    "claim_lead": read_claim,
    "release_lead": read_release,
    "transfer_lead": read_transfer,
}
