"""Which reader fills the slots of which intent."""

from collections.abc import Callable
from datetime import datetime

from handlers.understanding.followups import read_follow_up, who
from handlers.understanding.mentions import Sentence

Reader = Callable[[Sentence, datetime], dict[str, object]]


def _who(sentence: Sentence, now: datetime) -> dict[str, object]:
    return who(sentence)


READERS: dict[str, Reader] = {"log_follow_up": read_follow_up, "show_contact": _who}
