"""What really happened on the platforms: chat logs, API calls, complaints about the caller's manners.

With `counting_only` no bodies are kept, only one number per person, so that a million sends fit.
"""

import json
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.simulator.clock import SimClock

Json = dict[str, Any]  # a platform's JSON object: any values


@dataclass(frozen=True, slots=True)
class ChatEntry:
    """One line of a person's chat: what they wrote (in), received (out), or saw from the platform (system)."""

    cursor: int
    at: float  # unix seconds of the simulators' clock
    platform: str
    person: str
    direction: str  # in, out, system
    via: str  # push, passive, custom, template, mass, session, one_to_one, group, custom_robot
    kind: str
    text: str
    message_id: str
    body: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of the product to a platform, faults included."""

    cursor: int
    at: float
    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    fault: str = ""

    @property
    def json(self) -> Any:
        """Read the body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Complaint:
    """A breach of a platform's rules by the product that the answer alone would not show."""

    at: float
    where: str
    what: str


class Records:
    """The memory of all platforms of one simulator."""

    def __init__(self, clock: SimClock, *, counting_only: bool = False, calls_kept: int = 50_000) -> None:
        self.clock = clock
        self.counting_only = counting_only
        self.complaints: list[Complaint] = []
        self.call_counts: Counter[str] = Counter()
        self.refusals: Counter[tuple[str, str]] = Counter()  # path and code, kept also when only counting
        self._chat: list[ChatEntry] = []
        self._by_person: dict[tuple[str, str], list[ChatEntry]] = {}
        self._received_counts: dict[str, dict[str, int]] = {}
        self._calls: deque[ApiCall] = deque(maxlen=calls_kept)
        self._call_cursor = 0

    def wrote(self, platform: str, person: str, kind: str, text: str, message_id: str, body: Json) -> None:
        """Note what a person sent."""
        self._note(platform, person, "in", "push", kind, text, message_id, body)

    def delivered(self, platform: str, person: str, via: str, kind: str, text: str, message_id: str, body: Json) -> None:
        """Note what a person received from the product."""
        counts = self._received_counts.setdefault(platform, {})
        counts[person] = counts.get(person, 0) + 1
        if not self.counting_only:
            self._note(platform, person, "out", via, kind, text, message_id, body)

    def shown(self, platform: str, person: str, text: str) -> None:
        """Note a line of the platform itself, such as its excuse for a silent account."""
        self._note(platform, person, "system", "platform", "notice", text, "", {})

    def complain(self, where: str, what: str) -> None:
        """Note a breach of the platform's rules."""
        self.complaints.append(Complaint(self.clock.seconds(), where, what))

    def called(self, method: str, path: str, query: Mapping[str, str], body: bytes, fault: str = "") -> None:
        """Note an API call."""
        self.call_counts[path] += 1
        self._call_cursor += 1
        if not self.counting_only:
            self._calls.append(ApiCall(self._call_cursor, self.clock.seconds(), method, path, dict(query), body, fault))

    def chat(self, platform: str | None = None, person: str | None = None, since: int = 0) -> list[ChatEntry]:
        """List chat lines after a cursor, in order; of one platform or person if named."""
        if platform is not None and person is not None:
            return [entry for entry in self._by_person.get((platform, person), []) if entry.cursor > since]
        rows = self._chat[since:]
        return [row for row in rows if platform in (None, row.platform) and person in (None, row.person)]

    def received(self, platform: str, person: str) -> list[ChatEntry]:
        """List what a person received from the product; empty when only counting."""
        return [entry for entry in self.chat(platform, person) if entry.direction == "out"]

    def count_received(self, platform: str, person: str | None = None) -> int:
        """Count what a person, or everybody, received."""
        counts = self._received_counts.get(platform, {})
        return sum(counts.values()) if person is None else counts.get(person, 0)

    def find_doubles(self, platform: str, via: str | None = None) -> dict[str, int]:
        """Tell who received the same text more than once, on one way if named.

        When only counting, tell who received more than one message at all.
        """
        if self.counting_only:
            return {who: number for who, number in self._received_counts.get(platform, {}).items() if number > 1}
        rows = (row for row in self._chat if row.direction == "out" and row.platform == platform and via in (None, row.via))
        seen = Counter((row.person, row.kind, row.text) for row in rows)
        return {person: number for (person, _, _), number in seen.items() if number > 1}

    def calls(self, path: str | None = None, since: int = 0) -> list[ApiCall]:
        """List the recorded API calls, of one path if named."""
        return [call for call in self._calls if path in (None, call.path) and call.cursor > since]

    def count_calls(self, path: str) -> int:
        """Count the calls of a path, also when only counting."""
        return self.call_counts[path]

    @property
    def cursor(self) -> int:
        """The cursor of the newest chat line."""
        return len(self._chat)

    def _note(
        self, platform: str, person: str, direction: str, via: str, kind: str, text: str, message_id: str, body: Json
    ) -> None:
        if self.counting_only:
            return
        at = self.clock.seconds()
        entry = ChatEntry(len(self._chat) + 1, at, platform, person, direction, via, kind, text, message_id, body)
        self._chat.append(entry)
        self._by_person.setdefault((platform, person), []).append(entry)


def as_json(entry: ChatEntry | Complaint) -> Json:
    """Turn a line into a JSON object."""
    return asdict(entry)
