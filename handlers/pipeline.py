"""One message in, one reply out: record, identify, serialise, route, turn errors into sentences.

Two ways through. A customer's message is worked on in the very transaction that records it (`take`). An employee's is
recorded first and then worked on (`Pipeline.work`), its effect, its reply and the mark "done" in one transaction.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog
from tortoise.exceptions import ValidationError

from crm_core import inbox
from crm_core.accounts import AccountRow, PersonKind, ensure_account, find_account
from crm_core.conversations import InboundStatus, Outcome
from crm_core.errors import CrmError, Unavailable
from crm_core.inbox import Begun, Recorded
from crm_core.messages import Body, Guarantee, InboundMessage, Kind
from crm_core.ports import Core, Program
from crm_core.said_mobiles import hide_said
from handlers import speaking
from handlers.contact_events import take_contact_event, take_directory_event
from handlers.customer_texts import answer_customer, take_event
from handlers.house_events import take_house_event
from handlers.platform_reports import is_nobodys, take_nobodys
from handlers.presses import is_press
from handlers.replies import Reply
from handlers.router import Router
from handlers.service_desk import is_aside, take_aside
from handlers.speaking import Speaking
from handlers.understood import Understood, with_put_aside

log = structlog.get_logger(__name__)

BIND_WORDS = re.compile(r"\s*绑定[\s:：]*[0-9A-Za-z]{8}\s*")
"""How somebody of the house binds an account on a customers' channel; anything else there is a customer's."""
LOOK_AGAIN_SECONDS = 0.1
"""How often is looked whether an earlier message of the conversation is done in another process."""
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
class Arrived:
    """A message that came, and whether its answer may leave in the same request."""

    message: InboundMessage
    passive: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What `take` did: the row, and whether work is left for `Pipeline.work`."""

    recorded: Recorded
    done: bool
    begun: Speaking | None = None
    """Who wrote it, when its first try has begun already."""


def take(core: Core, message: InboundMessage, *, passive: bool) -> Program[Taken]:
    """Record a message and, when it is a customer's, work on it at once: one program, one commit."""
    if is_aside(message):
        return Taken((yield from take_aside(core, message)), done=True)
    recorded = yield from inbox.record(core, message)
    if not recorded.new:
        return Taken(recorded, done=recorded.status != InboundStatus.OPEN.value)
    if is_nobodys(message):
        yield from take_nobodys(core, message)
        yield from inbox.finish(core, recorded.id, message, account_id=None, reply=None, outcome=Outcome.SILENT)
        return Taken(Recorded(recorded.id, new=True, status="done", outcome="silent"), done=True)
    is_of_house = message.address.channel in core.staff_channels or not message.address.external_id
    if message.kind is Kind.EVENT and is_of_house and not (message.about_customer or is_press(message)):
        yield from take_directory_event(core, message)
        yield from take_house_event(core, message)
        # Events of the house itself (somebody joined or left) concern no account: kept as history.
        yield from inbox.finish(core, recorded.id, message, account_id=None, reply=None, outcome=Outcome.SILENT)
        return Taken(Recorded(recorded.id, new=True, status="done", outcome="silent"), done=True)
    account = yield from find_account(message.address)
    if not is_customers(core, message, account):
        if not core.db.alone:
            return Taken(recorded, done=False)
        # Nobody else can be at an earlier message of this person, so the try may begin in the commit that records it.
        _, begun = yield from _begin_speaking(core, recorded.id, message, account, at_once=True)
        return Taken(recorded, done=False, begun=begun)
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
    if message.about_customer:
        return True
    if message.address.channel in core.staff_channels or (account and account.person_kind == PersonKind.EMPLOYEE.value):
        return False
    return BIND_WORDS.fullmatch(message.text) is None


def _customer_effect(core: Core, message: InboundMessage, message_id: int, account: AccountRow) -> Program[Body | None]:
    if message.about_customer:
        yield from take_contact_event(core, message, message_id, account)
        return None
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

    def at_once(self, message: InboundMessage, who: Speaking) -> Body | None:
        """Answer what follows from the words and the speaker alone; None for what needs `work`. From any thread."""
        try:
            return self._router.answer_at_once(self._core, message, who)
        except Exception:  # noqa: BLE001 - told, and logged, by `work`
            return None

    async def work(
        self,
        message_id: int,
        message: InboundMessage,
        answering: Answering,
        *,
        held: bool = True,
        begun: Speaking | None = None,
    ) -> Body | None:
        """Work on one message to the end; gives the reply if it is to leave passively.

        `held`: this process recorded it or took it over; else it is left to whoever holds it.
        `begun`: who wrote it, when `take` has begun the try.
        """
        key = (message.address.channel, message.address.external_id)
        while True:
            lock = self._locks.setdefault(key, asyncio.Lock())
            try:
                async with lock:
                    now, who = (Begun.YES, begun) if begun else await self._begin(message_id, message, held=held)
                    if now is not Begun.LATER:
                        return await self._work(message_id, message, who, answering) if who else None
            finally:
                if not lock.locked() and not lock._waiters:  # nobody else of this conversation
                    self._locks.pop(key, None)
            # Another process works on what the same person said before; our own waiting must not hold up its like here.
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _begin(self, message_id: int, message: InboundMessage, *, held: bool) -> tuple[Begun, Speaking | None]:
        again = message_id in self._counted
        program = partial(_begin_speaking, self._core, message_id, message, None, again=again, held=held)
        begun, who = await self._core.db.run(program)
        if begun is not Begun.YES:
            self._counted.discard(message_id)
        return begun, who

    async def _work(self, message_id: int, message: InboundMessage, who: Speaking, answering: Answering) -> Body | None:
        self._counted.add(message_id)
        prepared = await self._prepare(message, who)
        if self._router.only_reads(prepared.understood):
            # Nothing of it has to be undone with anything else: the mark "done" shares its commit with those who wait.
            reply = await self._answer(prepared)
            outcome = await self._finish(message_id, prepared, reply, answering)
        else:
            async with self._core.db.transaction():
                reply = await self._effect(prepared)
                outcome = await self._finish(message_id, prepared, reply, answering)
        self._counted.discard(message_id)
        return reply if outcome is Outcome.PASSIVE else None

    async def _finish(self, message_id: int, prepared: "Prepared", reply: Body | None, answering: Answering) -> Outcome:
        outcome = Outcome.SILENT if reply is None else Outcome.PASSIVE if answering.take() else Outcome.LATE
        program = partial(
            inbox.finish,
            self._core,
            message_id,
            prepared.message,
            account_id=prepared.account.id,
            reply=reply,
            outcome=outcome,
            late_until=self._core.clock.now() + LATE_REPLY_LASTS,
            guarantee=Guarantee.AT_LEAST_ONCE,  # it is somebody of the house, or a stranger who will be
        )
        if not await self._core.db.run(program):
            # Somebody else finished it meanwhile: undo the effect of this run.
            raise WorkedOnAlready
        return outcome

    async def _prepare(self, message: InboundMessage, who: Speaking) -> "Prepared":
        return Prepared(message, who.speaker.account, await self._router.understand(self._core, message, who))

    async def _effect(self, prepared: "Prepared") -> Body | None:
        core = self._core

        async def answer() -> Reply | None:
            async with core.db.transaction():
                return await self._router.answer(core, prepared.understood)

        return await self._guarded(prepared, answer)

    async def _answer(self, prepared: "Prepared") -> Body | None:
        return await self._guarded(prepared, partial(self._router.answer, self._core, prepared.understood))

    async def _guarded(self, prepared: "Prepared", answer: Callable[[], Awaitable[Reply | None]]) -> Body | None:
        """Give what is answered; in a group without the numbers spoken there or found, whatever gave the words."""
        body = await self._worded(prepared, answer)
        return replace(body, text=hide_said(body.text)) if body is not None and prepared.message.in_group else body

    async def _worded(self, prepared: "Prepared", answer: Callable[[], Awaitable[Reply | None]]) -> Body | None:
        """Turn what goes wrong into words."""
        core = self._core
        try:
            reply = await answer()
        except Unavailable:
            raise
        except CrmError as error:
            await self._router.after_refusal(core, prepared.understood, error)
            return with_put_aside(Reply(Body(text=error.sentence())), prepared.understood).body
        except ValidationError:
            return Body(text="内容太长或格式不对，请缩短后再试")
        except Exception:
            # A question that leads here must not stay open and swallow whatever is said next.
            await self._router.forget_question(core, prepared.account, prepared.message)
            number = secrets.token_hex(2).upper()
            log.exception("command_failed", number=number)
            return Body(text=f"系统开小差了，请稍后再试（编号 {number}）")
        return reply.body if reply else None


def _begin_speaking(
    core: Core,
    message_id: int,
    message: InboundMessage,
    account: AccountRow | None,
    *,
    again: bool = False,
    held: bool = True,
    at_once: bool = False,
) -> Program[tuple[Begun, Speaking | None]]:
    begun = yield from inbox.begin_try(core, message_id, again=again, held=held, at_once=at_once)
    if begun is not Begun.YES:
        return begun, None
    account = account or (yield from ensure_account(core, message.address, message.nickname))
    now = core.clock.now()
    yield "UPDATE accounts SET last_inbound_at = ?, updated_at = ? WHERE id = ?", (now, now, account.id)
    return begun, (yield from speaking.look(core, message, account))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message after everything that must not hold the writer: reading, understanding, slow look-ups."""

    message: InboundMessage
    account: AccountRow
    understood: Understood
