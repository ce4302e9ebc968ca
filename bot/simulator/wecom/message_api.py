"""Messages of the application to members: send, update a card, recall.

Source: protocols.md section 3.4.
"""

import hashlib
import json

from bot.simulator.calls import Call, Handler, Refused, errcode
from bot.simulator.records import Json
from bot.simulator.wecom.cards import Card, Cards
from bot.simulator.wecom.directory import ACTIVE, Member
from bot.simulator.wecom.message_shapes import ENVELOPE, KINDS, check_message, find_unknown
from bot.simulator.wecom.replies import card_text
from bot.simulator.wecom.shapes import bad_parameter
from bot.simulator.wecom.state import APP_ONLY, OK, PLATFORM, PREFIX, WeComState

EVERYBODY = "@all"
MAX_USERS, MAX_PARTIES = 1000, 100
DUPLICATE_SECONDS, MAX_DUPLICATE_SECONDS = 1800, 14_400
RECALL_SECONDS = 24 * 3600.0
UPDATE_KINDS: dict[str, type | tuple[type, ...]] = {
    "userids": list,
    "partyids": list,
    "tagids": list,
    "atall": int,
    "agentid": int,
    "response_code": str,
    "enable_id_trans": int,
    "button": dict,
    "template_card": dict,
    "replace_text": str,
}


class Audience:
    """Who a message names: those it reaches and those it cannot."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.invalid_users: list[str] = []
        self.invalid_parties: list[str] = []
        self.invalid_tags: list[str] = []
        self.unlicensed: list[str] = []

    def add(self, member: Member) -> None:
        """Take a member in, if a message reaches them."""
        if member.visible and member.status == ACTIVE and member.licensed:
            self.members[member.userid] = member

    def add_named(self, userid: str, member: Member | None) -> None:
        """Take in somebody named one by one, or note why not."""
        if member is None or not member.visible or member.status != ACTIVE:
            self.invalid_users.append(userid.lower())
        elif not member.licensed:
            self.unlicensed.append(userid.lower())
        else:
            self.members[member.userid] = member

    def describe(self) -> Json:
        """Give the lists of an answer; those without an entry are left out."""
        rows = {
            "invaliduser": self.invalid_users,
            "invalidparty": self.invalid_parties,
            "invalidtag": self.invalid_tags,
            "unlicenseduser": self.unlicensed,
        }
        return {name: "|".join(values) for name, values in rows.items() if values}


class MessageApi:
    """The calls under /cgi-bin/message."""

    def __init__(self, state: WeComState) -> None:
        self._state = state
        self._sent_at: dict[str, float] = {}  # msgid
        self._seen: dict[tuple[str, bytes], float] = {}  # member and content to the time
        self.cards = Cards(state.clock)
        self.recalled: set[str] = set()
        self.suppressed = 0  # messages the duplicate check held back

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            f"{PREFIX}/message/send": self.send,
            f"{PREFIX}/message/update_template_card": self.update_card,
            f"{PREFIX}/message/recall": self.recall,
        }

    def send(self, call: Call) -> Json:
        """Deliver one message to members, departments and tags."""
        state = self._state
        fields = state.read(call, {**ENVELOPE, **KINDS}, needed=("msgtype", "agentid"), scopes=APP_ONLY)
        self._check_agent(fields)
        kind, text, complaint = check_message(fields, state.media.has)
        for what in (complaint, *(f"unknown field {kind}.{name}" for name in find_unknown(kind, fields[kind]))):
            if what:
                state.records.complain(call.path, what)
        audience = self._find_audience(fields)
        if not audience.members:
            raise errcode(81013, "user & party & tag all invalid, hint: [simulated]", **audience.describe())
        state.limits.spend_messages(len(audience.members))
        message_id = state.make_id("SIMMSG")
        answer: Json = {**OK, **audience.describe(), "msgid": message_id}
        if kind == "template_card":
            card = fields["template_card"]
            made = Card(message_id, str(card.get("task_id") or ""), card, list(audience.members))
            answer["response_code"] = self.cards.add(made)
        self._sent_at[message_id] = state.clock.seconds()
        self._deliver(fields, kind, text, message_id, list(audience.members))
        return answer

    def update_card(self, call: Call) -> Json:
        """Change a card that was sent; its code is used up."""
        state = self._state
        fields = state.read(call, UPDATE_KINDS, needed=("agentid", "response_code"), scopes=APP_ONLY)
        self._check_agent(fields)
        button, card = fields.get("button"), fields.get("template_card")
        change = button or card
        if not isinstance(change, dict) or not card_text(change):
            raise bad_parameter("button.replace_name or template_card is missing")
        known = self.cards.use_code(fields["response_code"])
        named = [str(userid) for userid in fields.get("userids") or []]
        canonical = {userid.lower(): userid for userid in known.receivers}
        invalid = [userid for userid in named if userid.lower() not in canonical]
        whole = fields.get("atall") in (1, True, "1")
        receivers = known.receivers if whole else [canonical[u.lower()] for u in named if u.lower() in canonical]
        self.change_card(known, change, receivers)
        return {**OK, "invaliduser": invalid} if invalid else OK

    def recall(self, call: Call) -> Json:
        """Take a message back, within 24 hours."""
        fields = self._state.read(call, {"msgid": str}, needed=("msgid",), scopes=APP_ONLY)
        sent_at = self._sent_at.get(fields["msgid"])
        if sent_at is None or self._state.clock.seconds() >= sent_at + RECALL_SECONDS:
            raise bad_parameter("invalid msgid")
        self.recalled.add(fields["msgid"])
        return OK

    def change_card(self, card: Card, change: Json, receivers: list[str], via: str = "update") -> None:
        """Show a changed card to members."""
        card.updates.append(change)
        for userid in receivers:
            self._state.records.delivered(PLATFORM, userid, via, "template_card", card_text(change), card.message_id, change)

    def _check_agent(self, fields: Json) -> None:
        if str(fields["agentid"]) != str(self._state.corp.agent_id):
            raise errcode(40056, "invalid agentid, hint: [simulated]")

    def _deliver(self, fields: Json, kind: str, text: str, message_id: str, userids: list[str]) -> None:
        state = self._state
        body = {name: value for name, value in fields.items() if name not in ("touser", "toparty", "totag")}
        digest, keep_seconds = _digest(body), _duplicate_seconds(fields)
        for userid in userids:
            if keep_seconds and self._is_repeat(userid, digest, keep_seconds):
                self.suppressed += 1
            elif state.limits.takes(userid):
                state.records.delivered(PLATFORM, userid, "application", kind, text, message_id, body)

    def _is_repeat(self, userid: str, digest: bytes, keep_seconds: int) -> bool:
        now = self._state.clock.seconds()
        known = self._seen.get((userid, digest))
        if known is not None and now < known + keep_seconds:
            return True
        self._seen[userid, digest] = now
        return False

    def _find_audience(self, fields: Json) -> Audience:
        directory, audience = self._state.directory, Audience()
        users, parties, tags = (_split(fields.get(name)) for name in ("touser", "toparty", "totag"))
        if EVERYBODY in users:
            for member in directory.members():
                audience.add(member)
            return audience
        _check_sizes(users, parties, tags)
        for userid in users:
            audience.add_named(userid, directory.find(userid))
        for party in parties:
            if not party.isdecimal() or int(party) not in directory.departments:
                audience.invalid_parties.append(party)
                continue
            for member in directory.members_of(directory.below(int(party))):
                audience.add(member)
        for tag in tags:
            found = directory.tagged(int(tag)) if tag.isdecimal() else []
            if not found:
                audience.invalid_tags.append(tag)
            for member in found:
                audience.add(member)
        return audience


def _check_sizes(users: list[str], parties: list[str], tags: list[str]) -> None:
    refusal: Refused | None = None
    if not users and not parties and not tags:
        refusal = errcode(82001, "touser, toparty and totag are all empty, hint: [simulated]")
    elif len(users) > MAX_USERS:
        refusal = errcode(40032, "invalid userid list size, hint: [simulated]")
    elif len(parties) > MAX_PARTIES:
        refusal = errcode(82002, "invalid partyid list size, hint: [simulated]")
    elif len(tags) > MAX_PARTIES:
        refusal = errcode(82003, "invalid tagid list size, hint: [simulated]")
    if refusal is not None:
        raise refusal


def _split(value: object) -> list[str]:
    return [part.strip() for part in str(value or "").split("|") if part.strip()]


def _duplicate_seconds(fields: Json) -> int:
    if not int(fields.get("enable_duplicate_check") or 0):
        return 0
    return min(int(fields.get("duplicate_check_interval") or DUPLICATE_SECONDS), MAX_DUPLICATE_SECONDS)


def _digest(body: Json) -> bytes:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).digest()
