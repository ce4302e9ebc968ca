"""The door of the Stream: credentials and subscriptions in, an endpoint and a ticket out.

Source: protocols.md section 4.3, steps 1 and 2.
"""

import uuid
from dataclasses import dataclass

from bot.simulator.calls import Call, Handler, code, read_object
from bot.simulator.dingtalk.frames import CALLBACK, EVENT, EVENT_TOPIC, SYSTEM
from bot.simulator.dingtalk.knobs import TICKET_SECONDS, Knobs
from bot.simulator.dingtalk.state import DingTalkState
from bot.simulator.records import Json

OPEN = "/v1.0/gateway/connections/open"
CONNECT = "/connect"
CONNECT_AGAIN = "/connect/again"  # where a redirected client has to go
KINDS = (EVENT, CALLBACK, SYSTEM)
Subscriptions = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Ticket:
    """One admission to one endpoint."""

    subscriptions: Subscriptions
    path: str
    ends_at: float


class TicketDesk:
    """Gives tickets and takes them back."""

    def __init__(self, state: DingTalkState, knobs: Knobs) -> None:
        self._state = state
        self._knobs = knobs
        self._tickets: dict[str, Ticket] = {}
        self.path = CONNECT

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {OPEN: self.open_connection}

    def open_connection(self, call: Call) -> Json:
        """Give an endpoint and a ticket for it."""
        fields, app = read_object(call.body) or {}, self._state.app
        if (fields.get("clientId"), fields.get("clientSecret")) != (app.client_id, app.client_secret):
            raise code("authFailed", "鉴权失败", status=401)
        subscriptions = _read_subscriptions(fields.get("subscriptions"))
        if self._knobs.refuse_opening:
            raise code("ServiceUnavailable", "the gateway gives no tickets", status=503)
        ticket = str(uuid.uuid4())
        ends_at = self._state.clock.seconds() + TICKET_SECONDS
        self._tickets[ticket] = Ticket(subscriptions, self.path, ends_at)
        return {"endpoint": f"{self._state.base_url.replace('http', 'ws', 1)}{self.path}", "ticket": ticket}

    def redeem(self, ticket: str, path: str) -> Subscriptions | None:
        """Take a ticket; None if it is unknown, used, too old, or for another endpoint."""
        found = self._tickets.pop(ticket, None)
        if found is None or found.path != path or self._knobs.refuse_tickets:
            return None
        return found.subscriptions if self._state.clock.seconds() < found.ends_at else None

    def move(self) -> None:
        """Send the next ones to another endpoint."""
        self.path = CONNECT_AGAIN if self.path == CONNECT else CONNECT


def _read_subscriptions(rows: object) -> Subscriptions:
    if not isinstance(rows, list) or not rows:
        raise code("invalidParameter.subscriptions", "subscriptions is empty")
    found: set[tuple[str, str]] = set()
    for row in rows:
        kind, topic = (row.get("type"), row.get("topic")) if isinstance(row, dict) else (None, None)
        if kind not in KINDS or not isinstance(topic, str) or not topic or (kind == EVENT and topic != EVENT_TOPIC):
            raise code("invalidParameter.subscriptions", f"{kind} {topic} cannot be subscribed to")
        found.add((str(kind), topic))
    return frozenset(found)
