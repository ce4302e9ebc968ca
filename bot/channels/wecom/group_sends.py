"""Broadcasts of a WeCom channel: tasks that members confirm (企业群发), and what becomes of them."""

from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog

from bot.channel import SendReceipt, SendStatus
from bot.channels.wecom.calls import ApiRefused, Calls
from bot.channels.wecom.contact_api import ContactApi
from bot.channels.wecom.outcomes import ADMIN_NEEDED, receipt_of
from bot.httpclient import HttpError, NotSent
from bot.platform_result import Result, read_result
from bot.tokens import TokenError
from campaigns.group_sends import (
    Chunk,
    GroupSend,
    Task,
    due_tasks,
    hold_chunk,
    next_chunks,
    note_cancelled,
    note_no_task,
    note_result,
    note_task,
    put_back,
    put_off,
)
from campaigns.results import MIN_SENDS, pause_for_errors
from crm_core.errors import Unavailable
from crm_core.ports import Core
from scheduler.queue import Periodic

log = structlog.get_logger(__name__)

_ADD = "externalcontact/add_msg_template"
_WITHIN = timedelta(seconds=30)
"""A task of 10,000 people takes the platform longer than a message."""
_TURN_SECONDS = 2.5
"""How long tasks are made in one go: shorter than a stop waits for what runs, so that it finds no call in the middle."""
_CALL_FAILED = (ApiRefused, TokenError, HttpError)


class GroupSends:
    """Makes the tasks of running broadcasts and asks what became of them."""

    def __init__(self, name: str, calls: Calls) -> None:
        self._name = name
        self._calls = calls
        self._api = ContactApi(calls)
        self._not_begun: deque[Chunk] = deque()

    def periodics(self) -> Sequence[Periodic]:
        """Name the work."""
        return (
            Periodic(f"group_sends:{self._name}", timedelta(seconds=1), self.run, time_limit=timedelta(minutes=10)),
            Periodic(f"group_results:{self._name}", timedelta(seconds=5), self.check, time_limit=timedelta(minutes=5)),
        )

    async def run(self, core: Core) -> int:
        """Make tasks that are due, one sender after another, for a turn; tells how many. The schedule goes on with the rest."""
        made, until = 0, core.clock.monotonic() + _TURN_SECONDS
        try:
            await self._give_back(core)  # what could not be written when an earlier turn was cut off
            while core.clock.monotonic() < until:
                if not self._not_begun:
                    self._not_begun.extend(await next_chunks(core, self._name))
                if not self._not_begun:
                    break
                chunk = await core.db.run(partial(hold_chunk, core, self._not_begun[0]))
                self._not_begun.popleft()
                if chunk is not None:
                    receipt = await self._make_and_note(core, chunk)
                    made += receipt.status is SendStatus.SENT
                    if receipt.pause_until or receipt.status is SendStatus.RETRY:
                        break
        finally:
            await self._give_back(core)
        return made

    async def _make_and_note(self, core: Core, chunk: Chunk) -> SendReceipt:
        receipt, failed = await self._make(core, chunk)
        if receipt.status is SendStatus.SENT:
            await core.db.run(note_task(core, self._name, chunk, external_id=receipt.external_id, failed=failed))
            await self._watch(core, chunk, len(failed))
            return receipt
        await self._note_failure(core, chunk, receipt)
        if receipt.pause_until or receipt.status is SendStatus.RETRY:
            # What stops this one stops the others too: they wait untried.
            while self._not_begun:
                await self._note_failure(core, self._not_begun[0], receipt)
                self._not_begun.popleft()
        return receipt

    async def _give_back(self, core: Core) -> None:
        """Put the people of claimed tasks that were not begun back into the queue; what cannot be written is kept."""
        try:
            while self._not_begun:
                await core.db.run(partial(put_back, core, list(self._not_begun[0].people.values())))
                self._not_begun.popleft()
        except Unavailable:
            log.warning("group_sends_not_put_back", channel=self._name, tasks=len(self._not_begun))

    async def _watch(self, core: Core, chunk: Chunk, failed: int) -> None:
        """Pause a broadcast of which too many fail, before the next task of it is made."""
        people = len(chunk.people)
        if people >= MIN_SENDS and failed * 100 > core.settings.campaigns.error_share_limit * people:
            await pause_for_errors(core, chunk.broadcast_id)

    async def _make(self, core: Core, chunk: Chunk) -> tuple[SendReceipt, list[str]]:
        payload = self._api.group_send(chunk.sender, list(chunk.people), chunk.text)
        now = core.clock.now()
        try:
            answer = await self._calls.request("post", _ADD, payload=payload, within=_WITHIN)
        except TokenError as error:
            at = now + (timedelta(minutes=10) if error.for_admin else timedelta(minutes=1))
            return SendReceipt(SendStatus.RETRY, f"token_{error.code}", retry_at=at, pause_until=at), []
        except NotSent:
            return SendReceipt(SendStatus.RETRY, "not_sent"), []
        except HttpError:
            return SendReceipt(SendStatus.UNKNOWN, "no_answer"), []
        result = read_result(answer)
        if result is None:
            return SendReceipt(SendStatus.UNKNOWN, "unreadable_answer"), []
        return self._receipt(core, result), _failed(result)

    def _receipt(self, core: Core, result: Result) -> SendReceipt:
        if result.errcode in ADMIN_NEEDED:
            log.error("channel_needs_admin", channel=self._name, errcode=result.errcode)
        return receipt_of(result, core.clock.now())

    async def _note_failure(self, core: Core, chunk: Chunk, receipt: SendReceipt) -> None:
        log.warning("group_send_failed", channel=self._name, broadcast_id=chunk.broadcast_id, reason=receipt.reason)
        await core.db.run(note_no_task(core, chunk, receipt.status.value, receipt.reason, receipt.retry_at))

    async def remind(self, core: Core, broadcast_id: int) -> int:
        """Remind the members who have not confirmed a broadcast's tasks; tells how many. Raises: what a call raises."""
        tasks = await GroupSend.filter(channel=self._name, broadcast_id=broadcast_id, closed_at=None, confirmed_at=None)
        for task in tasks:
            await self._api.remind_group_send(task.external_id)
            await task.change(core, reminded_at=core.clock.now())
        return len(tasks)

    async def check(self, core: Core) -> int:
        """Ask about the tasks that are due; tells how many. A call that fails is made again later."""
        tasks = await core.db.read(due_tasks(self._name, core.clock.now()))
        for task in tasks:
            try:
                await self._check(core, task)
            except _CALL_FAILED as error:
                log.warning("group_send_unchecked", channel=self._name, task=task.id, why=type(error).__name__)
                await core.db.run(put_off(core, task, confirmed=False, done=False))
        return len(tasks)

    async def _check(self, core: Core, task: Task) -> None:
        confirmed = task.sender in await self._api.list_confirmed(task.external_id)
        if task.cancelled and not confirmed:
            await self._api.cancel_group_send(task.external_id)
            await core.db.run(note_cancelled(core, task))
            return
        done = False
        if confirmed:
            results = await self._api.list_results(task.external_id, task.sender)
            finals = [
                await core.db.run(note_result(core, task, result.external_id, result.status, result.at)) for result in results
            ]
            done = bool(finals) and all(finals)
        await core.db.run(put_off(core, task, confirmed=confirmed, done=done))


def _failed(result: Result) -> list[str]:
    found = result.fields.get("fail_list")
    return [str(person) for person in found] if isinstance(found, list) else []
