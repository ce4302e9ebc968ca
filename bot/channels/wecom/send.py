"""Sending of a WeCom application: messages to members within what each may get, welcomes to new contacts.

Two rules of the platform are kept by us, because it says nothing when they are broken: a member's surplus is dropped
silently (`crm_core/allowances.py`), and with the duplicate check on, a message is dropped silently if the same content
went to the same person from this application within the interval.

The check makes a repeat harmless whose first send got no answer: same person, same content, so the platform drops it.
It has no key, only the content; so where the same content is meant to arrive twice (two equal answers within the
interval) the check is left off for the later one, and an unanswered send of that one is not repeated by its protection.
It ends also with the interval of four hours; an outgoing message is given up after one.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from bot.channel import SendReceipt, SendStatus
from bot.channels.wecom.calls import Calls
from bot.channels.wecom.cards import card_of, fits, new_name, says_all
from bot.channels.wecom.outcomes import ADMIN_NEEDED, again, receipt_of, receipts_of
from bot.channels.wecom.payloads import Content, content_of
from bot.cutting import cut_text
from bot.httpclient import Answer, NotSent, Unanswered
from bot.platform_result import Result, read_result
from bot.tokens import TokenError
from crm_core.allowances import Allowance, Turn, Want, forget_marks, take_turns
from crm_core.clock import Clock
from crm_core.messages import Body, OutboundMessage
from crm_core.ports import Core

log = structlog.get_logger(__name__)

PAGE = 1000
"""Members one call may name. Source: application-message page, protocols.md section 3.4."""
DUPLICATE_INTERVAL = timedelta(hours=4)
"""The longest the platform compares contents; the same page."""
WELCOME_BYTES = 4000
CARD_LASTS = timedelta(hours=72)
"""How long a card may be changed by its response code."""
_CHECKED_ATTEMPTS = 6
_WELCOME_WITHIN = timedelta(seconds=4)
_ADMIN_PAUSE = timedelta(minutes=10)
_TASK_USED = "errcode_42014"
_NOT_SENT = SendReceipt(SendStatus.RETRY, "not_sent")


class Sender:
    """What leaves one application by its API."""

    def __init__(self, name: str, calls: Calls, clock: Clock) -> None:
        self._name = name
        self._calls = calls
        self._clock = clock
        self._core: Core | None = None
        settings = calls.settings
        windows = ((settings.member_per_minute, timedelta(minutes=1)), (settings.member_per_hour, timedelta(hours=1)))
        self._allowance = Allowance(windows, DUPLICATE_INTERVAL)

    def use(self, core: Core) -> None:
        """Keep the marks of what each member got in this core; without one nothing is limited (a mere check)."""
        self._core = core

    async def forget(self, core: Core) -> int:
        """Delete the marks no rule reaches back to; tells how many."""
        return await core.db.run(forget_marks(self._clock.now() - DUPLICATE_INTERVAL))

    async def send(self, messages: Sequence[OutboundMessage]) -> list[SendReceipt]:
        """Send messages of one body, members together, up to a page a call; one receipt each, in order."""
        receipts: dict[int, SendReceipt] = {}
        members: list[int] = []
        for index, message in enumerate(messages):
            alone = await self._send_alone(message)
            if alone is None:
                members.append(index)
            else:
                receipts[index] = alone
        if members:
            content = content_of(messages[members[0]].body)
            sent = await self._to_members([messages[index] for index in members], content)
            receipts.update(zip(members, sent, strict=True))
        return [receipts[index] for index in range(len(messages))]

    async def _send_alone(self, message: OutboundMessage) -> SendReceipt | None:
        """Send what has a way or a content of its own; None for what goes to members as it is."""
        data = message.reply_data
        if data.get("welcome_code"):
            return await self.send_welcome(message)
        if "card_message_id" in data and data.get("response_code") and says_all(message.body):
            receipt = await self._rename_button(message)
            return None if receipt.status is SendStatus.REFUSED and message.body.text else receipt
        if not fits(message.body):
            return None
        (receipt,) = await self._to_members([message], ("template_card", card_of(message)))
        if receipt.reason == _TASK_USED and message.attempt > 1:
            return SendReceipt(SendStatus.SENT)  # an earlier try that nobody answered did arrive
        # A card that is refused for what it is goes as text, which says how to do the same with words.
        final = receipt.status is SendStatus.REFUSED and receipt.reason not in ("bad_recipient", "not_licensed")
        return None if final else receipt

    async def _to_members(self, messages: list[OutboundMessage], content: Content | None) -> list[SendReceipt]:
        if content is None:
            return [SendReceipt(SendStatus.REFUSED, "kind_unsupported")] * len(messages)
        turns = await self._turns(messages, content)
        receipts: list[SendReceipt] = [_waits(turn.wait_until, self._clock.now()) for turn in turns]
        for is_repeated in (False, True):
            going = [index for index, turn in enumerate(turns) if not turn.wait_until and turn.repeated is is_repeated]
            for start in range(0, len(going), PAGE):
                page = going[start : start + PAGE]
                sent = await self._call([messages[index] for index in page], content, check=not is_repeated)
                for index, receipt in zip(page, sent, strict=True):
                    receipts[index] = receipt
        return receipts

    async def _turns(self, messages: Sequence[OutboundMessage], content: Content) -> list[Turn]:
        if self._core is None:
            return [Turn()] * len(messages)
        digest = hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
        wants = [Want(message.address.external_id, message.key, digest) for message in messages]
        return await self._core.db.run(take_turns(self._name, wants, self._allowance, self._clock.now()))

    async def _call(self, messages: Sequence[OutboundMessage], content: Content, *, check: bool) -> list[SendReceipt]:
        word, inner = content
        settings = self._calls.settings
        # Twice the same person in one call is once to the platform.
        users = [message.address.external_id for message in messages]
        payload: dict[str, object] = {
            "touser": "|".join(dict.fromkeys(users)),
            "msgtype": word,
            "agentid": settings.agent_id,
            word: inner,
            "enable_duplicate_check": int(check),
        }
        if check:
            payload["duplicate_check_interval"] = int(DUPLICATE_INTERVAL.total_seconds())
        attempt = messages[0].attempt
        result = await self._post("message/send", payload)
        if isinstance(result, SendReceipt):
            if result.status is SendStatus.UNKNOWN and check and attempt < _CHECKED_ATTEMPTS:
                at = self._clock.now() + timedelta(seconds=2**attempt)
                result = SendReceipt(SendStatus.RETRY, result.reason, retry_at=at)
            return [result] * len(messages)
        if result.errcode == 0 and word == "template_card":
            await self._keep_card(inner, result)
        return receipts_of(result, users, self._clock.now(), attempt=attempt)

    async def send_welcome(self, message: OutboundMessage) -> SendReceipt:
        """Send the welcome of a new contact by its code: one use, 20 s. A repeat cannot arrive twice."""
        data = message.reply_data
        deadline = data.get("welcome_deadline")
        left = float(str(deadline or 0)) - self._clock.now().timestamp()
        if left <= 0:
            return SendReceipt(SendStatus.REFUSED, "too_late")
        payload = {
            "welcome_code": str(data["welcome_code"]),
            "text": {"content": cut_text(message.body.text, WELCOME_BYTES)},
        }
        within = min(_WELCOME_WITHIN, timedelta(seconds=left))
        result = await self._post("externalcontact/send_welcome_msg", payload, within=within)
        if isinstance(result, SendReceipt):
            again_soon = SendReceipt(SendStatus.RETRY, result.reason)
            return again_soon if result.status is SendStatus.UNKNOWN else result
        receipt = receipt_of(result, self._clock.now())
        if result.errcode == 41051 and message.attempt > 1:
            # An earlier try that nobody answered did arrive.
            return SendReceipt(SendStatus.SENT)
        return receipt

    async def _rename_button(self, message: OutboundMessage) -> SendReceipt:
        """Say on a pressed card what became of it, when the answer to the press was too late for it."""
        return await self._update(
            str(message.reply_data["response_code"]), [message.address.external_id], new_name(message.body)
        )

    async def update_card(
        self, task_id: str, users: Sequence[str], *, replace_name: str = "", card: Body | None = None
    ) -> SendReceipt:
        """Change a card that was sent, once within 72 h: the name of its button, or the whole of it."""
        if self._core is None:
            return SendReceipt(SendStatus.REFUSED, "card_gone")
        key = self._card_key(task_id)
        code = await self._core.state.get(key)
        # Given back only if it was surely not used: the code works once.
        if code is None or not await self._core.state.add(f"{key}:used", "1", lasts=CARD_LASTS):
            return SendReceipt(SendStatus.REFUSED, "card_gone")
        receipt = await self._update(code, users, replace_name, card)
        if receipt.status is SendStatus.RETRY:
            await self._core.state.delete(f"{key}:used")
        return receipt

    async def _update(self, code: str, users: Sequence[str], replace_name: str, card: Body | None = None) -> SendReceipt:
        payload: dict[str, object] = {"userids": list(users), "agentid": self._calls.settings.agent_id, "response_code": code}
        content = content_of(card) if card else None
        if content is not None and content[0] == "template_card":
            payload["template_card"] = content[1]
        else:
            payload["button"] = {"replace_name": replace_name}
        result = await self._post("message/update_template_card", payload)
        return result if isinstance(result, SendReceipt) else receipt_of(result, self._clock.now())

    async def _keep_card(self, card: dict[str, object], result: Result) -> None:
        code, task_id = result.fields.get("response_code"), card.get("task_id")
        if self._core is not None and isinstance(code, str) and code and task_id:
            await self._core.state.set(self._card_key(str(task_id)), code, lasts=CARD_LASTS)

    def _card_key(self, task_id: str) -> str:
        return f"card:{self._name}:{hashlib.sha256(task_id.encode()).hexdigest()[:40]}"

    async def _post(self, path: str, payload: object, *, within: timedelta | None = None) -> Result | SendReceipt:
        hurry = within is not None
        try:
            answer: Answer = await self._calls.request("post", path, payload=payload, within=within, hurry=hurry)
        except TokenError as error:
            return self._no_token(error)
        except NotSent:
            return _NOT_SENT
        except Unanswered:
            return SendReceipt(SendStatus.UNKNOWN, "no_answer")
        result = read_result(answer)
        if result is None:
            return SendReceipt(SendStatus.UNKNOWN, "unreadable_answer")
        if result.errcode in ADMIN_NEEDED:
            log.error("channel_needs_admin", channel=self._name, errcode=result.errcode)
        return result

    def _no_token(self, error: TokenError) -> SendReceipt:
        if not error.for_admin:
            return SendReceipt(SendStatus.RETRY, f"token_{error.code}")
        log.error("channel_needs_admin", channel=self._name, code=error.code)
        return again(f"needs_admin_{error.code}", self._clock.now() + _ADMIN_PAUSE)


def _waits(until: datetime | None, now: datetime) -> SendReceipt:
    # `pause_until` of now: one person's full measure is no failure of the channel, whose rest would hold up all others.
    return SendReceipt(SendStatus.RETRY, "member_limit", retry_at=until, pause_until=now)
