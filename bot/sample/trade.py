"""What the people of the sample buy: deals on their way, won and lost ones, purchases, targets, and stored wording."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

from bot.sample import words
from bot.sample.people import Draw, Somebody
from bot.sample.rows import insert
from crm_core.clock import local_day
from crm_core.opportunities import MoveKind, Opportunity, OpportunityStatus, StageMove
from crm_core.pipeline_rules import DEFAULT_PIPELINE
from crm_core.ports import Program
from crm_core.purchases import Purchase
from crm_core.sales_scripts import SalesScript
from crm_core.sales_targets import SalesTarget

WITH_DEAL, LOST, AT_A_LOSS = 0.8, 0.15, 0.2
"""Shares: customers with a deal, deals that were lost, purchases sold below cost."""
_STAGES = tuple(stage.name for stage in DEFAULT_PIPELINE.stages)
_PRICE = 2800
"""Yuan of one gateway."""


def deal(random: Random, draw: Draw, people: list[Somebody]) -> Program[None]:
    """Give most customers a deal as far on as their talks are; what was won was bought."""
    seen: set[int] = set()
    for who in people:
        if who.kind != "contact":
            continue
        rows = yield "SELECT customer_id FROM contacts WHERE id = ?", (who.id,)
        customer_id = int(rows[0][0])
        if customer_id not in seen and random.random() < WITH_DEAL:
            yield from _deal(random, draw, who, customer_id)
        seen.add(customer_id)


def _deal(random: Random, draw: Draw, who: Somebody, customer_id: int) -> Program[None]:
    won, lost = who.stage == "won", random.random() < LOST
    stages = _STAGES if won else _STAGES[: _STAGES.index(who.stage) + 1]
    span = (draw.now - who.since) * 0.9
    moments = sorted(who.since + span * random.random() for _ in range(len(stages) + 1))
    product, pieces = random.choice(words.PRODUCTS), random.choice((10, 20, 50, 100, 200))
    amount = Decimal(pieces * _PRICE)
    values: dict[str, object] = {"status": OpportunityStatus.OPEN.value}
    if won:
        values = {"status": OpportunityStatus.WON.value, "won_at": moments[-1]}
    elif lost:
        reason, competitor = random.choice(words.LOSSES)
        values = {"status": OpportunityStatus.LOST.value, "lost_at": moments[-1]}
        values |= {"loss_reason": reason, "competitor": competitor, "retry_on": local_day(draw.now) + timedelta(days=60)}
    number = yield from insert(
        Opportunity,
        moments[0],
        customer_id=customer_id,
        name=f"{product}{pieces}台",
        product=product,
        stage=stages[-1],
        stage_since=moments[-2],
        amount=amount,
        expected_close_on=local_day(draw.now) + timedelta(days=random.randint(5, 60)),
        owner_id=who.owner_id,
        last_follow_up_at=moments[-2],
        move_count=len(stages),
        **values,
    )
    yield from _moves(who, number, stages, moments, str(values["status"]))
    if won:
        yield from _bought(random, who, customer_id, product, pieces, amount, moments[-1])


def _moves(who: Somebody, deal_id: int, stages: tuple[str, ...], moments: list[datetime], status: str) -> Program[None]:
    steps = [("", stages[0], MoveKind.OPEN)]
    steps += [(before, after, MoveKind.ADVANCE) for before, after in pairwise(stages)]
    if status != OpportunityStatus.OPEN.value:
        ending = MoveKind.WIN if status == OpportunityStatus.WON.value else MoveKind.LOSE
        steps.append((stages[-1], stages[-1], ending))
    entered = moments[0]
    for (before, after, kind), at in zip(steps, moments, strict=False):
        yield from insert(
            StageMove,
            at,
            opportunity_id=deal_id,
            pipeline=DEFAULT_PIPELINE.name,
            kind=kind.value,
            from_stage=before,
            to_stage=after,
            at=at,
            days=(at - entered).days,
            owner_id=who.owner_id,
            employee_id=who.owner_id,
        )
        entered = at


def _bought(
    random: Random, who: Somebody, customer_id: int, product: str, pieces: int, amount: Decimal, at: datetime
) -> Program[None]:
    share = Decimal(random.randint(105, 120) if random.random() < AT_A_LOSS else random.randint(55, 80))
    yield from insert(
        Purchase,
        at,
        customer_id=customer_id,
        product=product,
        quantity=f"{pieces}台",
        amount=amount,
        cost=amount * share / 100,
        at=at,
        employee_id=who.owner_id,
    )


def aim(draw: Draw, sellers: list[int]) -> Program[None]:
    """Set every salesperson's target of this month."""
    for employee_id in sellers:
        yield from insert(
            SalesTarget, draw.now, employee_id=employee_id, month=f"{local_day(draw.now):%Y-%m}", amount=Decimal(1_000_000)
        )


def say(draw: Draw, author_id: int) -> Program[None]:
    """Store some wording."""
    for title, said, stage, text in words.SCRIPTS:
        yield from insert(SalesScript, draw.now, title=title, words=said, stage=stage, text=text, author_id=author_id)
