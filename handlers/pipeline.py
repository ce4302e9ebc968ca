"""One message in, one reply out: record, identify, serialise, route, turn errors into sentences.

Two ways through. A customer's message is worked on in the very transaction that records it (`take`). An employee's is
recorded first and then worked on (`Pipeline.work`), its effect, its reply and the mark "done" in one transaction.
"""

import asyncio
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog
from tortoise.exceptions import ValidationError

from crm_core import inbox
from crm_core.accounts import Account, AccountRow, PersonKind, ensure_account, find_account
from crm_core.conversations import InboundStatus, Outcome
from crm_core.errors import CrmError, Unavailable
from crm_core.inbox import Recorded
from crm_core.messages import Body, Guarantee, InboundMessage, Kind
from crm_core.ports import Core, Program
from handlers.customer_texts import answer_customer, take_event
from handlers.router import Router, Understood

log = structlog.get_logger(__name__)

BIND_WORDS = re.compile(r"\s*绑定[\s:：]*[0-9A-Za-z]{8}\s*")
"""How somebody of the house binds an account on a customers' channel; anything else there is a customer's."""
LATE_REPLY_LASTS = timedelta(hours=24)
"""How long an answer that missed its request is still worth sending."""


class Answering(Protocol):
    """Whoever may still answer in the platform's own request."""

    def take(self) -> bool:
        """Promise to answer passively; False when the platform has been answered without us already."""


class NobodyWaits:
    """The request is long over: every reply goes through the outbox."""

    def take(self) -> bool:
        """Tell that nobody waits."""
        return False


class WorkedOnAlready(Exception):
    """Another worker finished the message first; this run's effect is undone."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What `take` did: the row, and whether work is left for `Pipeline.work`."""

    recorded: Recorded
    done: bool


def take(core: Core, message: InboundMessage, *, passive: bool) -> Program[Taken]:
    """Record a message and, when it is a customer's, work on it at once: one program, one commit."""
    recorded = yield from inbox.record(core, message)
    if not recorded.new:
        return Taken(recorded, done=recorded.status != InboundStatus.OPEN.value)
    if message.kind is Kind.EVENT and message.address.channel in core.staff_channels:
        # Events of the house itself (somebody joined, a card) concern no account yet: kept as history.
        yield from inbox.finish(core, recorded.id, message, account_id=None, reply=None, outcome=Outcome.SILENT)
        return Taken(Recorded(recorded.id, new=True, status="done", outcome="silent"), done=True)
    account = yield from find_account(message.address)
    if not is_customers(core, message, account):
        return Taken(recorded, done=False)
    if account is None:
        account = yield from ensure_account(core, message.address, message.nickname)
    reply = yield from _customer_effect(core, message, recorded.id, account)
    outcome = Outcome.SILENT if reply is None else Outcome.PASSIVE if passive else Outcome.LATE
    yield from inbox.finish(
        core,
        recorded.id,
        message,
        account_id=account.id,
        reply=reply,
        outcome=outcome,
        late_until=core.clock.now() + LATE_REPLY_LASTS,
    )
    return Taken(Recorded(recorded.id, new=True, status="done", outcome=outcome.value, reply=reply), done=True)


def is_customers(core: Core, message: InboundMessage, account: AccountRow | None) -> bool:
    """Whether a customer (or somebody not known yet) wrote it, and not somebody of the house."""
    if message.address.channel in core.staff_channels or (account and account.person_kind == PersonKind.EMPLOYEE.value):
        return False
    return BIND_WORDS.fullmatch(message.text) is None


def _customer_effect(core: Core, message: InboundMessage, message_id: int, account: AccountRow) -> Program[Body | None]:
    if message.kind is Kind.EVENT:
        return (yield from take_event(core, message, account))
    if message.kind is Kind.OTHER:
        return None
    return (yield from answer_customer(core, message, message_id, account))


class Pipeline:
    """Works on recorded messages, one at a time per conversation."""

    def __init__(self, core: Core, router: Router) -> None:
        self._core = core
        self._router = router
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        # Tries of this process: what fails for a passing reason is tried again without being counted again.
        self._counted: set[int] = set()

    async def work(self, message_id: int, message: InboundMessage, answering: Answering) -> Body | None:
        """Work on one message to the end; gives the reply if it is to leave passively."""
        key = (message.address.channel, message.address.external_id)
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                return await self._work(message_id, message, answering)
        finally:
            if not lock.locked() and not lock._waiters:  # nobody else of this conversation
                self._locks.pop(key, None)

    async def _work(self, message_id: int, message: InboundMessage, answering: Answering) -> Body | None:
        core = self._core
        again = message_id in self._counted
        self._counted.add(message_id)
        if not await core.db.run(inbox.begin_try(core, message_id, again=again)):
            self._counted.discard(message_id)
            return None
        account_row = await core.db.run(ensure_account(core, message.address, message.nickname))
        prepared = await self._prepare(message, account_row)
        async with core.db.transaction():
            reply = await self._effect(prepared)
            outcome = Outcome.SILENT if reply is None else Outcome.PASSIVE if answering.take() else Outcome.LATE
            first = await core.db.run(
                inbox.finish(
                    core,
                    message_id,
                    message,
                    account_id=account_row.id,
                    reply=reply,
                    outcome=outcome,
                    late_until=core.clock.now() + LATE_REPLY_LASTS,
                    guarantee=Guarantee.AT_LEAST_ONCE,  # it is somebody of the house, or a stranger who will be
                )
            )
            if not first:
                # Somebody else finished it meanwhile: undo the effect of this run.
                raise WorkedOnAlready
        self._counted.discard(message_id)
        return reply if outcome is Outcome.PASSIVE else None

    async def _prepare(self, message: InboundMessage, row: AccountRow) -> "Prepared":
        account = await Account.get(id=row.id)
        return Prepared(message, account, await self._router.understand(self._core, message, account))

    async def _effect(self, prepared: "Prepared") -> Body | None:
        core = self._core
        try:
            async with core.db.transaction():
                now = core.clock.now()
                await Account.filter(id=prepared.account.id).update(last_inbound_at=now, updated_at=now)
                reply = await self._router.answer(core, prepared.understood)
        except Unavailable:
            raise
        except CrmError as error:
            await self._router.after_refusal(core, prepared.message, error)
            return Body(text=error.sentence())
        except ValidationError:
            return Body(text="内容太长或格式不对，请缩短后再试")
        except Exception:
            # A question that leads here must not stay open and swallow whatever is said next.
            await self._router.forget_question(core, prepared.account, prepared.message)
            number = secrets.token_hex(2).upper()
            log.exception("command_failed", number=number)
            return Body(text=f"系统开小差了，请稍后再试（编号 {number}）")
        return reply.body if reply else None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message after everything that must not hold the writer: reading, understanding, slow look-ups."""

    message: InboundMessage
    account: Account
    understood: Understood
