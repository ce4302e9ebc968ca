"""What people did, as days: read out of messages, events, follow-ups and forms, and kept beside their scores.

A set of days per thing that happened: the same whatever the order it is told in, and however often. Kept, so that new rules
and passing days are counted without reading the messages again. Reading order: `ScoreFacts`, `gather`, `_of_message`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from tortoise import fields

from crm_core.db import Entity
from crm_core.inbox import data_of, event_of
from crm_core.ports import Program
from crm_core.rules import as_instant
from crm_core.score_rules import DAYS_KEPT, Facts, ScoringSettings

NEWEST = 2_000
"""Messages of one account that are looked at when everything is read."""
NEWEST_SENT = 100
"""Messages of one account among which those sent of our own accord are looked for."""
REPLY_WITHIN = timedelta(days=3)
_DAY = 86_400
_SHANGHAI = 8 * 3600
_PHONE = re.compile(r"(?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)")
_EVENTS = {
    "subscribe": "followed",
    "add_external_contact": "followed",
    "add_half_external_contact": "followed",
    "unsubscribe": "unfollowed",
    "del_follow_user": "unfollowed",
    "scan": "scanned",
    "click": "menu_clicked",
    "view": "menu_clicked",
    "menu_click": "menu_clicked",
    "sign_up": "signed_up",
    "signup": "signed_up",
}
_decode = msgspec.json.Decoder(dict[str, list[int]]).decode
_encode = msgspec.json.Encoder().encode


class ScoreFacts(Entity):
    """What one person did: for each thing its newest days, as JSON. Made anew from the rows whenever something changes."""

    owner_field = None

    person_id = fields.BigIntField(unique=True)
    days = fields.TextField(default="")
    hangs_on = ()

    class Meta:
        """One row a person who was scored; `updated_at` is from when on it was read."""

        table = "score_facts"


@dataclass(slots=True)
class _Person:
    """What is gathered of one person."""

    mobiles: set[str] = field(default_factory=set)
    days: dict[str, set[int]] = field(default_factory=dict)
    reached: list[datetime] = field(default_factory=list)
    wrote: list[datetime] = field(default_factory=list)

    def note(self, fact: str, day: int) -> None:
        self.days.setdefault(fact, set()).add(day)

    def facts(self) -> dict[str, list[int]]:
        """Tell the newest days of each thing, newest first."""
        for at in self.wrote:
            if any(timedelta() < at - before <= REPLY_WITHIN for before in self.reached):
                self.note("replied", day_of(at))
        return {fact: sorted(days, reverse=True)[:DAYS_KEPT] for fact, days in sorted(self.days.items())}


def day_of(at: datetime) -> int:
    """Tell the Shanghai day of an instant as a number, from 1970 on."""
    return int((at.timestamp() + _SHANGHAI) // _DAY)


def read_days(text: str | None) -> Facts:
    """Read what is kept of one person."""
    return _decode(text) if text else {}


def write_days(facts: Facts) -> str:
    """Write it."""
    return _encode(facts).decode() if facts else ""


def joined(one: Facts, other: Facts) -> Facts:
    """Put two tellings together: the newest days of both."""
    both = {fact: {*one.get(fact, ()), *other.get(fact, ())} for fact in sorted({*one, *other})}
    return {fact: sorted(days, reverse=True)[:DAYS_KEPT] for fact, days in both.items()}


def gather(settings: ScoringSettings, people: Sequence[int], *, after: int | None = None) -> Program[dict[int, Facts]]:
    """Read what these people did out of the rows themselves; of messages only those behind a number if one is given."""
    if not people:
        return {}
    marks = ", ".join("?" * len(people))
    found = {number: _Person() for number in people}
    subjects: dict[tuple[str, int], int] = {}
    rows = yield _RECORDS.format(marks), (*people, *people)
    for person_id, noun, number, mobile, channel, at in rows:
        person = found[person_id]
        subjects[noun, number] = person_id
        if mobile:
            person.mobiles.add(str(mobile)[-11:])
        if str(channel or "").startswith("form:"):
            person.note("form", day_of(_instant(at)))
    yield from _follow_ups(found, subjects)
    rows = yield _POSTED.format(marks), tuple(people)
    for person_id, at in rows:
        found[person_id].note("form", day_of(_instant(at)))
    if any(rule.kind in _OF_DEALS for rule in settings.in_force):
        rows = yield _DEALS.format(marks), tuple(people) * 3
        for person_id, fact, at in rows:
            found[person_id].note(fact, day_of(_instant(at)))
    keywords = {rule.fact: rule.words for rule in settings.in_force if rule.kind == "keyword"}
    wanted = {rule.event for rule in settings.in_force if rule.kind == "event"}
    rows = yield _SENT.format(marks), (*people, NEWEST_SENT)
    for person_id, at in rows:
        found[person_id].reached.append(_instant(at))
    if after is None:
        rows = yield _RECEIVED.format(marks, _BOUND), (*people, NEWEST)
    else:
        rows = yield _RECEIVED.format(marks, "?"), (*people, after)
    for person_id, kind, text, at, payload in rows:
        person, when = found[person_id], _instant(at)
        if kind == "event":
            for fact in _of_event(payload, wanted):
                person.note(fact, day_of(when))
        else:
            person.wrote.append(when)
            for fact in _of_text(text, person.mobiles, settings.price_words, keywords):
                person.note(fact, day_of(when))
    return {number: person.facts() for number, person in found.items()}


_RECORDS = (
    "SELECT person_id, 'lead', id, mobile, channel, created_at FROM leads WHERE person_id IN ({0})"
    " UNION ALL SELECT person_id, 'contact', id, mobile, '', created_at FROM contacts WHERE person_id IN ({0})"
)
_POSTED = (
    "SELECT r.person_id, s.created_at FROM changed_rows r JOIN change_sets s ON s.id = r.set_id"
    " WHERE r.person_id IN ({}) AND s.kind = 'collect' AND s.undone_at IS NULL"
)
_OF_DEALS = ("deal_moved", "bought")
_AT_CUSTOMER = " FROM contacts c JOIN {} ON {}.customer_id = c.customer_id{} WHERE c.person_id IN ({{0}}) AND "
_DEALS = " UNION ALL ".join(
    (
        "SELECT c.person_id, 'deal_moved', m.at"
        + _AT_CUSTOMER.format("opportunities o", "o", " JOIN stage_moves m ON m.opportunity_id = o.id")
        + "m.kind IN ('advance', 'win') AND m.undone_at IS NULL AND o.status <> 'deleted'",
        "SELECT c.person_id, 'bought', o.won_at" + _AT_CUSTOMER.format("opportunities o", "o", "") + "o.status = 'won'"
        " AND o.won_at IS NOT NULL",
        "SELECT c.person_id, 'bought', b.at" + _AT_CUSTOMER.format("purchases b", "b", "") + "b.kind = 'bought'"
        " AND b.undone_at IS NULL",
    )
)
"""What the customer of a contact did: deals that went on or were won, and what was bought without one."""
# The newest few of each account, by its index.
_BOUND = "coalesce((SELECT n.id FROM messages n WHERE n.account_id = a.id ORDER BY n.id DESC LIMIT 1 OFFSET ?), 0)"
_RECEIVED = (
    "SELECT a.person_id, m.kind, m.text, m.at, m.payload FROM accounts a JOIN messages m ON m.account_id = a.id"
    " WHERE a.person_id IN ({}) AND a.person_kind = 'customer' AND m.direction = 'in' AND m.id > {}"
)
_SENT = (
    "SELECT a.person_id, m.at FROM accounts a JOIN messages m ON m.account_id = a.id WHERE a.person_id IN ({})"  # noqa: S608
    " AND a.person_kind = 'customer' AND m.direction = 'out' AND m.status IN ('sent', 'handed_over')"
    f" AND m.topic NOT IN ('', 'reply') AND m.id > {_BOUND}"
)
_FOLLOW_UPS = (
    "SELECT subject_kind, subject_id, at, method FROM follow_ups"
    " WHERE subject_kind = '{}' AND subject_id IN ({}) AND undone_at IS NULL"
)


def _follow_ups(found: Mapping[int, _Person], subjects: Mapping[tuple[str, int], int]) -> Program[None]:
    for noun in ("lead", "contact"):
        numbers = [number for kind, number in subjects if kind == noun]
        if not numbers:
            continue
        rows = yield _FOLLOW_UPS.format(noun, ", ".join("?" * len(numbers))), tuple(numbers)
        for kind, number, at, method in rows:
            person, when = found[subjects[kind, number]], _instant(at)
            person.note("followed_up", day_of(when))
            person.reached.append(when)
            if method == "phone":
                person.note("called", day_of(when))


def _of_event(payload: str, wanted: Iterable[str]) -> set[str]:
    name, data = event_of(payload), data_of(payload)
    names = {name, str(data.get("change_type") or "")} - {""}
    facts = {_EVENTS[each] for each in names if each in _EVENTS}
    if name == "subscribe" and data.get("scene"):
        facts.add("scanned")
    return facts | {f"event:{each}" for each in names if each in wanted}


def _of_text(text: str, mobiles: set[str], prices: Sequence[str], keywords: Mapping[str, Sequence[str]]) -> set[str]:
    facts = {"wrote"}
    if any(word in text for word in prices):
        facts.add("asked_price")
    phones = {re.sub(r"\D", "", phone) for phone in _PHONE.findall(text)}
    if phones:
        facts.add("gave_phone")
    if phones & mobiles:
        facts.add("verified")
    return facts | {fact for fact, words in keywords.items() if any(word in text for word in words)}


def _instant(value: Any) -> datetime:
    at = as_instant(value)
    if at is None:
        raise AssertionError("everything that happened has a time")
    return at
