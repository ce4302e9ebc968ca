"""Proposals to sell again (重复购买、升级、交叉购买): asked of the owner once a won deal and rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from tortoise import fields

from crm_core import access
from crm_core.access import Actor
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Conflict
from crm_core.pipeline_rules import PROPOSAL_LABELS, RepeatPurchase
from crm_core.ports import Core, Program

WINDOW = timedelta(days=30)
"""How long after its day a proposal is still made: a new rule must not ask about every old deal at once."""
PAGE = 200


class ProposalStatus(StrEnum):
    """What the owner said."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    NEEDLESS = "needless"
    """Not asked at all: an open deal, or bought already."""


PROPOSAL_STATUS_LABELS = {
    ProposalStatus.OPEN: "待答复",
    ProposalStatus.ACCEPTED: "已约",
    ProposalStatus.DECLINED: "先不约",
    ProposalStatus.NEEDLESS: "不需要",
}


class ProposalAnswered(Conflict):
    """Answered already."""

    code = "purchase_proposal.answered"
    text = "这条复购建议已经答复过了"


class PurchaseProposal(Entity):
    """A proposal to offer a customer something again, made by the house to the deal's owner."""

    opportunity_id = fields.BigIntField()
    customer_id = fields.BigIntField(db_index=True)
    owner_id = fields.BigIntField(null=True, db_index=True)
    kind = fields.CharField(max_length=16)
    product = fields.CharField(max_length=128, default="")
    customer = fields.CharField(max_length=128, default="")
    status = fields.CharField(max_length=16, default=ProposalStatus.OPEN.value)
    answered_at = UtcDatetimeField(null=True)

    class Meta:
        """Once a deal, kind and product."""

        table = "purchase_proposals"
        unique_together = (("opportunity_id", "kind", "product"),)

    @property
    def label(self) -> str:
        """Say what is proposed: 东风机械厂，复购「智能网关」."""
        return f"{self.customer}，{PROPOSAL_LABELS.get(self.kind, self.kind)}「{self.product}」"


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal just made, to be told to its owner."""

    id: int
    owner_id: int | None
    customer: str
    product: str
    kind: str
    days: int

    @property
    def sentence(self) -> str:
        """Put the question to the owner."""
        what = {"repeat": "可以问问是否再次采购", "upgrade": "可以谈谈升级到", "cross": "可以推荐"}[self.kind]
        return f"「{self.customer}」成交已{self.days}天，{what}「{self.product}」。回复“约回访”或“先不约”"


def make_due(core: Core, rule: RepeatPurchase) -> Program[tuple[list[Proposed], bool]]:
    """Make a page of the proposals of one rule that are due, each once, whoever runs it; tells whether more may be."""
    now = core.clock.now()
    until = now - timedelta(days=rule.after_days)
    same, wanted_values = ("?", [rule.propose]) if rule.propose else ("o.product", [])
    rows = yield (
        "SELECT o.id, o.customer_id, COALESCE(c.owner_id, o.owner_id), c.name, o.product, o.won_at FROM opportunities o"  # noqa: S608
        " JOIN customers c ON c.id = o.customer_id WHERE o.status = 'won' AND o.won_at > ? AND o.won_at <= ?"
        " AND lower(o.product) LIKE lower(?) ESCAPE '!' AND NOT EXISTS (SELECT 1 FROM purchase_proposals p"
        f" WHERE p.opportunity_id = o.id AND p.kind = ? AND p.product = {same}) ORDER BY o.won_at, o.id LIMIT {PAGE}",
        (until - WINDOW, until, _like(rule.product), rule.kind, *wanted_values),
    )
    made = []
    for number, customer_id, owner_id, customer, product, won_at in rows:
        wanted = rule.propose or str(product)
        needless = yield from _needless(customer_id, wanted, rule.kind, (int(number), won_at))
        status = (ProposalStatus.NEEDLESS if needless else ProposalStatus.OPEN).value
        found = yield (
            "INSERT INTO purchase_proposals (opportunity_id, customer_id, owner_id, kind, product, customer, status,"
            " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (opportunity_id, kind, product) DO NOTHING RETURNING id",
            (number, customer_id, owner_id, rule.kind, wanted[:128], customer, status, now, now),
        )
        if found and status == ProposalStatus.OPEN:
            made.append(Proposed(int(found[0][0]), owner_id, str(customer), wanted, rule.kind, rule.after_days))
    return made, len(rows) == PAGE


def _needless(customer_id: int, product: str, kind: str, won: tuple[int, object]) -> Program[bool]:
    """Tell whether the customer is asked already (an open deal), or bought it since; of another product, whether ever."""
    number, won_at = won
    since, values = (" AND won_at > ?", [won_at]) if kind == "repeat" else ("", [])
    rows = yield (
        "SELECT 1 FROM opportunities WHERE customer_id = ? AND lower(product) LIKE lower(?) ESCAPE '!'"  # noqa: S608
        f" AND (status = 'open' OR status = 'won'{since}) AND id <> ? LIMIT 1",
        (customer_id, _like(product), *values, number),
    )
    return bool(rows)


def _like(text: str) -> str:
    escaped = text.strip().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


async def list_open(actor: Actor, *, owner_id: int | None = None, limit: int = 10) -> Sequence[PurchaseProposal]:
    """List proposals that wait for an answer, oldest first."""
    query = access.visible(PurchaseProposal, actor).filter(status=ProposalStatus.OPEN.value)
    if owner_id is not None:
        query = query.filter(owner_id=owner_id)
    return await query.order_by("id").limit(limit)


async def answer(core: Core, actor: Actor, proposal_id: int, *, accept: bool) -> PurchaseProposal:
    """Note what the owner says to a proposal. Raises: NotFound; ProposalAnswered; Refused."""
    access.require(actor, "opportunities:write")
    status = (ProposalStatus.ACCEPTED if accept else ProposalStatus.DECLINED).value
    return await _settle(core, actor, proposal_id, ProposalStatus.OPEN.value, status)


async def take_back(core: Core, actor: Actor, proposal_id: int, status: str) -> PurchaseProposal:
    """Open a proposal again that was answered by mistake. Raises: NotFound; ProposalAnswered."""
    access.require(actor, "opportunities:write")
    return await _settle(core, actor, proposal_id, status, ProposalStatus.OPEN.value)


async def _settle(core: Core, actor: Actor, proposal_id: int, was: str, becomes: str) -> PurchaseProposal:
    async with core.db.transaction():
        row = await access.load(PurchaseProposal, actor, proposal_id)
        now = core.clock.now()
        answered = None if becomes == ProposalStatus.OPEN else now
        if not await PurchaseProposal.filter(id=row.id, status=was).update(
            status=becomes, answered_at=answered, updated_at=now
        ):
            raise ProposalAnswered
        await access.record(core, actor, f"purchase_proposal.{becomes}", row)
        await row.refresh_from_db()
    return row
