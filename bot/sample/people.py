"""The customers, contacts and leads of the sample, drawn from a seeded source, so that every run makes the same ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random

from bot.sample import words
from bot.sample.rows import insert
from crm_core.clock import at_local, local_day
from crm_core.customers import Contact, Customer, CustomerKind, CustomerStatus
from crm_core.identity import insert_person
from crm_core.leads import Lead, LeadStatus
from crm_core.ports import Core, Program

CUSTOMERS = 100
SECOND_CONTACT = 0.35
"""Share of customers with two people one knows."""
CONVERTED = 40
"""Customers that came from a lead, which stays as history."""
LEADS_OPEN_OWNED, LEADS_IN_POOL, LEADS_DISCARDED = 96, 44, 20
"""With the converted ones 200 leads; 300 leads and customers together."""
HISTORY_DAYS = 60
BIRTHDAYS_SOON = 3
CLAIMED_DAYS = 18
"""Owned leads were claimed within so many days, so that none is due to go back to the pool while somebody plays."""
_GIVEN_FIRST = ("张伟", "李娜")
"""Known to the examples of the help, so they exist and belong to the salesperson of the demo."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person of the sample, with what their history needs to know."""

    kind: str
    """lead or contact."""
    id: int
    person_id: int
    name: str
    owner_id: int | None
    since: datetime
    stage: str
    channel: bool
    """Whether they follow the Official Account."""
    vip: bool


class Draw:
    """What is drawn without putting back: names, companies and numbers that exist once."""

    def __init__(self, random: Random, now: datetime) -> None:
        self.random = random
        self.now = now
        self._names = self._draw_names()
        self._companies = self._draw_companies()
        self._mobile = 19900001000

    def name(self) -> str:
        """Draw somebody's name."""
        return next(self._names)

    def company(self) -> tuple[str, str, str]:
        """Draw a company: name, region, industry."""
        return next(self._companies)

    def mobile(self) -> str:
        """Draw a mobile number, of a range nobody sells."""
        self._mobile += self.random.randint(1, 9)
        return f"+86{self._mobile}"

    def past(self, *, least_days: float = 0.5, most_days: float = HISTORY_DAYS) -> datetime:
        """Draw a moment within the history, in working hours."""
        return min(
            self.working(self.now - timedelta(days=self.random.uniform(least_days, most_days))), self.now - timedelta(hours=2)
        )

    def working(self, at: datetime) -> datetime:
        """Move a moment into working hours, of the Friday before when it is on a weekend."""
        day = local_day(at)
        day -= timedelta(days=max(0, day.weekday() - 4))
        return at_local(day, time(self.random.randint(9, 17), self.random.choice((5, 10, 20, 30, 40, 45, 50))))

    def words(self, choices: tuple[str, ...]) -> str:
        """Draw a sentence and fill in its numbers."""
        return self.random.choice(choices).format(n=self.random.choice((5, 10, 12, 20, 30, 50)), m=self.now.month % 12 + 1)

    def birthday(self) -> str | None:
        """Draw a birthday; most are unknown, a few are soon, a third is lunar."""
        luck = self.random.random()
        if luck < 0.5:
            return None
        if luck < 0.65:
            return f"lunar:{self.random.randint(1, 12):02}-{self.random.randint(1, 29):02}"
        if luck < 0.7:
            return f"{self.now + timedelta(days=self.random.randint(1, 6)):%m-%d}"
        return f"{self.random.randint(1966, 1998)}-{self.random.randint(1, 12):02}-{self.random.randint(1, 28):02}"

    def _draw_names(self) -> Iterator[str]:
        drawn = [f"{surname}{given}" for surname in words.SURNAMES for given in words.GIVEN]
        self.random.shuffle(drawn)
        yield from _GIVEN_FIRST
        yield from (name for name in drawn if name not in _GIVEN_FIRST)

    def _draw_companies(self) -> Iterator[tuple[str, str, str]]:
        drawn = [(region, brand, trade) for region in words.REGIONS for brand in words.BRANDS for trade in words.TRADES]
        self.random.shuffle(drawn)
        for region, brand, (trade, industry) in drawn:
            yield f"{region[-2:]}{brand}{trade}有限公司", region, industry


def meet(core: Core, draw: Draw, sellers: list[int]) -> Program[list[Somebody]]:
    """Make all customers with their contacts, and all leads; `sellers` are employee numbers, the demo's own first."""
    people: list[Somebody] = []
    for number in range(CUSTOMERS):
        owner_id = sellers[number % len(sellers)] if number > 1 else sellers[0]
        people += yield from _customer(core, draw, owner_id, from_lead=number < CONVERTED)
    kinds = [(LeadStatus.FOLLOWING, True)] * LEADS_OPEN_OWNED + [(LeadStatus.NEW, False)] * LEADS_IN_POOL
    kinds += [(LeadStatus.DISCARDED, True)] * LEADS_DISCARDED
    for number, (status, owned) in enumerate(kinds):
        somebody = yield from _lead(core, draw, status, sellers[number % len(sellers)] if owned else None)
        people += [somebody] if status is not LeadStatus.DISCARDED else []
    return people


def celebrate(draw: Draw, known: list[Somebody]) -> Program[None]:
    """Let a few VIPs who follow have their birthday today and on the next days, so that a birthday greeting has somebody."""
    reached = [who for who in known if who.kind == "contact" and who.vip and who.channel]
    for days, who in enumerate(reached[:BIRTHDAYS_SOON]):
        day = local_day(draw.now) + timedelta(days=days)
        yield "UPDATE contacts SET birthday = ? WHERE id = ?", (f"{day:%m-%d}", who.id)


@dataclass(frozen=True, slots=True)
class _Organisation:
    """A customer just made, as its contacts need it."""

    id: int
    name: str
    region: str
    grade: str
    owner_id: int
    since: datetime


def _customer(core: Core, draw: Draw, owner_id: int, *, from_lead: bool) -> Program[list[Somebody]]:
    random, since = draw.random, draw.past(least_days=8)
    name, region, industry = draw.company()
    grade = random.choices("ABC", (2, 3, 5))[0]
    status = random.choices((CustomerStatus.ACTIVE, CustomerStatus.POTENTIAL, CustomerStatus.DORMANT), (6, 3, 1))[0]
    customer_id = yield from insert(
        Customer,
        since,
        name=name,
        kind=CustomerKind.ORGANISATION.value,
        industry=industry,
        region=region,
        grade=grade,
        status=status.value,
        owner_id=owner_id,
    )
    made = _Organisation(customer_id, name, region, grade, owner_id, since)
    found = [(yield from _contact(core, draw, made, first=True, from_lead=from_lead))]
    if random.random() < SECOND_CONTACT:
        found.append((yield from _contact(core, draw, made, first=False, from_lead=False)))
    return found


def _contact(core: Core, draw: Draw, at: _Organisation, *, first: bool, from_lead: bool) -> Program[Somebody]:
    random, person_id = draw.random, (yield from insert_person(core))
    known: dict[str, object] = {"name": draw.name(), "title": random.choice(words.TITLES), "mobile": draw.mobile()}
    contact_id = yield from insert(
        Contact,
        at.since,
        person_id=person_id,
        customer_id=at.id,
        owner_id=at.owner_id,
        birthday=draw.birthday(),
        decision_maker=first,
        **known,
    )
    stage = random.choice(("proposal", "negotiation", "contract", "won"))
    vip, channel = at.grade == "A" and first, random.random() < 0.55
    if from_lead:
        yield from _lead_before(draw, at, person_id=person_id, contact_id=contact_id, **known)
    return Somebody("contact", contact_id, person_id, str(known["name"]), at.owner_id, at.since, stage, channel, vip)


def _lead_before(draw: Draw, at: _Organisation, **known: object) -> Program[int]:
    """Make the lead a customer came from."""
    before = at.since - timedelta(days=draw.random.randint(2, 20))
    return (
        yield from insert(
            Lead,
            before,
            company=at.name,
            region=at.region,
            source=draw.random.choice(words.SOURCES),
            need=draw.words(words.NEEDS),
            status=LeadStatus.CONVERTED.value,
            owner_id=at.owner_id,
            claimed_at=before,
            claim_count=1,
            customer_id=at.id,
            chained_at=before,
            **known,
        )
    )


def _lead(core: Core, draw: Draw, status: LeadStatus, owner_id: int | None) -> Program[Somebody]:
    random, since = draw.random, draw.past()
    company, region, _ = draw.company()
    source = random.choice(words.SOURCES)
    channel = source == "公众号" or (source == "展会" and random.random() < 0.6)
    person_id, name = (yield from insert_person(core)), draw.name()
    is_new = status is LeadStatus.FOLLOWING and random.random() < 0.2
    stage = "" if is_new or owner_id is None else random.choice(("initial", "qualified", "proposal"))
    lead_id = yield from insert(
        Lead,
        since,
        person_id=person_id,
        name=name,
        company=company,
        title=random.choice(words.TITLES),
        mobile=draw.mobile(),
        region=region,
        source=source,
        channel="wechat" if channel else "",
        need=draw.words(words.NEEDS),
        grade=random.choice("ABCC"),
        status=LeadStatus.NEW.value if is_new else status.value,
        owner_id=owner_id,
        claimed_at=max(since, draw.past(most_days=CLAIMED_DAYS)) if owner_id else None,
        claim_count=1 if owner_id else 0,
        chained_at=since,
        birthday=draw.birthday(),
    )
    return Somebody("lead", lead_id, person_id, name, owner_id, since, stage, channel, vip=False)
