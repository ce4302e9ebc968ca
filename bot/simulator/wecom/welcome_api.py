"""Welcome messages to new customers: a code of 20 seconds and one use, and the races around it.

Source: protocols.md sections 3.2 and 3.4.
"""

import secrets
from dataclasses import dataclass

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wecom.contents import CONTENT_KINDS, check_content
from bot.simulator.wecom.relations import Relation
from bot.simulator.wecom.state import CONTACT, OK, PLATFORM, PREFIX, WeComState

CODE_SECONDS = 20.0


@dataclass(slots=True)
class Welcome:
    """One code and for whom it is."""

    relation: Relation
    ends_at: float
    is_used: bool = False


class WelcomeApi:
    """The call send_welcome_msg."""

    def __init__(self, state: WeComState) -> None:
        self._state = state
        self._codes: dict[str, Welcome] = {}
        self.races = 0  # so many next calls find another application sending: 41096
        self.received: dict[str, int] = {}  # welcomes by customer

    def routes(self) -> dict[str, Handler]:
        """Name the path."""
        return {f"{PREFIX}/externalcontact/send_welcome_msg": self.send}

    def make_code(self, relation: Relation) -> str:
        """Make the code of a new customer; it ends 20 seconds from now."""
        code = f"SIMWELCOME{secrets.token_urlsafe(24)}"
        self._codes[code] = Welcome(relation, self._state.clock.seconds() + CODE_SECONDS)
        return code

    def send(self, call: Call) -> Json:
        """Greet a new customer in the member's name."""
        state = self._state
        fields = state.read(call, {**CONTENT_KINDS, "welcome_code": str}, needed=("welcome_code",), scopes=CONTACT)
        welcome = self._codes.get(fields["welcome_code"])
        if welcome is None or state.clock.seconds() >= welcome.ends_at:
            raise errcode(41050, "invalid welcome_code, hint: [simulated]")
        if welcome.is_used or welcome.relation.chatting:
            raise errcode(41051, "externaluser has started chatting, hint: [simulated]")
        if self.races > 0:
            self.races -= 1
            raise errcode(41096, "welcome msg is being distributed, hint: [simulated]")
        text = check_content(fields, state.media.has)
        welcome.is_used = True
        customer = welcome.relation.external_userid
        self.received[customer] = self.received.get(customer, 0) + 1
        body = {name: value for name, value in fields.items() if name != "welcome_code"}
        body["sender"] = welcome.relation.userid
        state.records.delivered(PLATFORM, customer, "welcome", "text", text, "", body)
        return OK
