"""Group-send tasks (企业群发): made by the product, sent only when a member confirms theirs.

Source: protocols.md section 3.4, group-send task; the receive limit is the number of days of the month.
"""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from bot.simulator.accounts import SimulatorOptions
from bot.simulator.clock import SHANGHAI, SimClock
from bot.simulator.records import Json

UNSENT, SENT, NOT_A_FRIEND, RECEIVED_ENOUGH = 0, 1, 2, 3
TASK_UNSENT, TASK_SENT = 0, 2


@dataclass(slots=True)
class Receiver:
    """One customer, or one group, of a member's task."""

    key: str
    status: int = UNSENT
    sent_at: int = 0


@dataclass(slots=True)
class MemberTask:
    """What one member has to confirm."""

    userid: str
    receivers: list[Receiver]
    status: int = TASK_UNSENT
    sent_at: int = 0
    ignored: bool = False

    def describe(self) -> Json:
        """Give the fields of get_groupmsg_task."""
        answer: Json = {"userid": self.userid, "status": self.status}
        return answer | {"send_time": self.sent_at} if self.sent_at else answer


@dataclass(slots=True)
class GroupSend:
    """One message with the tasks of its members."""

    message_id: str
    chat_type: str
    creator: str
    created_at: int
    content: Json
    text: str
    tasks: dict[str, MemberTask]
    cancelled: bool = False
    reminded_at: list[float] = field(default_factory=list)

    def describe(self) -> Json:
        """Give the fields of get_groupmsg_list_v2."""
        head = {"msgid": self.message_id, "creator": self.creator, "create_time": str(self.created_at), "create_type": 0}
        return head | {name: value for name, value in self.content.items() if name in ("text", "attachments")}

    def describe_receivers(self, task: MemberTask) -> list[Json]:
        """Give the rows of get_groupmsg_send_result."""
        name = "chat_id" if self.chat_type == "group" else "external_userid"
        rows: list[Json] = [{name: row.key, "userid": task.userid, "status": row.status} for row in task.receivers]
        for row, receiver in zip(rows, task.receivers, strict=True):
            if receiver.sent_at:
                row["send_time"] = receiver.sent_at
        return rows


class ReceiveLimit:
    """How many group sends a customer or a group may still receive."""

    def __init__(self, options: SimulatorOptions, clock: SimClock) -> None:
        self._options = options
        self._clock = clock
        self._received: Counter[tuple[str, str]] = Counter()

    def takes(self, key: str) -> bool:
        """Count one more; False when the customer has had enough in this month, week or day."""
        window = self._window()
        if self._received[key, window] >= self._limit():
            return False
        self._received[key, window] += 1
        return True

    def _window(self) -> str:
        today = self._clock.now().astimezone(SHANGHAI).date()
        if self._options.wecom_receive_rule == "month":
            return f"{today:%Y-%m}"
        if self._options.wecom_receive_rule == "week":
            return (today - timedelta(days=today.weekday())).isoformat()
        return today.isoformat()

    def _limit(self) -> int:
        today = self._clock.now().astimezone(SHANGHAI).date()
        limits = {"month": monthrange(today.year, today.month)[1], "week": 7, "day": 1}
        return limits[self._options.wecom_receive_rule]


class GroupSends:
    """All group sends of the corporation."""

    def __init__(self) -> None:
        self._sends: dict[str, GroupSend] = {}

    def add(self, send: GroupSend) -> None:
        """Keep a new one."""
        self._sends[send.message_id] = send

    def find(self, message_id: object) -> GroupSend | None:
        """Find one by its msgid."""
        return self._sends.get(str(message_id))

    def waiting_for(self, userid: str) -> Iterator[GroupSend]:
        """Walk through what a member has not confirmed yet."""
        for send in self._sends.values():
            task = send.tasks.get(userid)
            if task is not None and task.status == TASK_UNSENT and not send.cancelled:
                yield send

    def made_between(self, chat_type: str, start: int, end: int) -> list[GroupSend]:
        """List those of a kind and a time."""
        return [row for row in self._sends.values() if row.chat_type == chat_type and start <= row.created_at <= end]
