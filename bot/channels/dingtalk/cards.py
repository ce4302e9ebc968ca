"""Interactive cards: made for one person or a group, changed afterwards; what is written on them.

Our template has the variables `text`, `status` (open or done), `result`, `button1` to `button3` (empty: hidden), and three
buttons with the action ids 1 to 3. Source: card pages of the platform, read 2026-11; docs/adr/0019.
"""

from collections.abc import Mapping

import structlog

from bot.channel import SendReceipt, SendStatus
from bot.channels.dingtalk.answers import CARD_VALUE_BYTES, changes
from bot.channels.dingtalk.api import Api, receipt_of_failure
from bot.channels.dingtalk.outcomes import code_of, receipt_of
from bot.channels.dingtalk.settings import Settings
from bot.channels.dingtalk.tracks import track_of
from bot.cutting import drop_control
from bot.httpclient import Answer, HttpError
from bot.tokens import TokenError
from crm_core.clock import Clock
from crm_core.messages import Body, OutboundMessage

log = structlog.get_logger(__name__)

BUTTONS = 3
OPEN = "open"
REGISTER_AGAIN_SECONDS, REGISTER_PAUSE_SECONDS = 5.0, 3600.0
_INSTANCES = "/v1.0/card/instances"
_CREATE = f"{_INSTANCES}/createAndDeliver"
_REGISTER = "/v1.0/card/callbacks/register"


def fits(settings: Settings, body: Body) -> bool:
    """Tell whether a body can be a card here: a template is set up, and nothing would be cut off."""
    if not settings.card_template_id or not 0 < len(body.buttons) <= BUTTONS:
        return False
    return len(drop_control(body.text).encode("utf-8", "replace")) <= CARD_VALUE_BYTES


def parameters(body: Body) -> dict[str, str]:
    """Give the variables of a new card."""
    labels = [button.label for button in body.buttons] + [""] * BUTTONS
    named = {f"button{number}": label for number, label in enumerate(labels[:BUTTONS], 1)}
    return {"text": drop_control(body.text), "status": OPEN, "result": "", **named}


class Cards:
    """Making and changing cards."""

    def __init__(self, name: str, settings: Settings, api: Api, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._api = api
        self._clock = clock

    @property
    def route(self) -> str:
        """The name under which callbacks over HTTP are registered."""
        return f"guanxi-{self._settings.client_id}-{self._name}"

    async def deliver(self, message: OutboundMessage) -> SendReceipt | None:
        """Send a body with buttons as a card; None when the platform refused, so that it goes as text."""
        try:
            answer = await self._api.post(_CREATE, self._instance(message))
        except (TokenError, HttpError) as error:
            return receipt_of_failure(error, channel=self._name, now=self._clock.now())
        code, fields = code_of(answer), answer.json()
        if code is None or fields is None:
            return SendReceipt(SendStatus.UNKNOWN, "unreadable_answer")
        if code and message.attempt > 1 and _is_there(code):
            return SendReceipt(SendStatus.SENT, external_id=track_of(message))
        if code:
            receipt = receipt_of(code, self._clock.now())
            if receipt.status is SendStatus.RETRY:
                return receipt
        elif _is_delivered(fields):
            return SendReceipt(SendStatus.SENT, external_id=track_of(message))
        log.warning("card_refused", channel=self._name, code=code or "not_delivered")
        return None

    async def update(self, track: str, body: Body) -> SendReceipt | None:
        """Change a card to what became of its press; None when the platform refused, so that it is said in words."""
        payload = {
            "outTrackId": track,
            "cardData": {"cardParamMap": changes(body)},
            "cardUpdateOptions": {"updateCardDataByKey": True},
        }
        try:
            answer = await self._api.put(_INSTANCES, payload)
        except (TokenError, HttpError) as error:
            # Writing the same twice is writing it once.
            receipt = receipt_of_failure(error, channel=self._name, now=self._clock.now())
            return SendReceipt(SendStatus.RETRY, receipt.reason, retry_at=receipt.retry_at, pause_until=receipt.pause_until)
        code = code_of(answer)
        if code is None:
            return SendReceipt(SendStatus.RETRY, "unreadable_answer")
        receipt = receipt_of(code, self._clock.now(), external_id=track)
        return None if receipt.status is SendStatus.REFUSED else receipt

    async def register(self, callback_url: str) -> Answer:
        """Tell the platform where presses go over HTTP. Raises: TokenError; NotSent; Unanswered."""
        payload = {
            "apiSecret": self._settings.card_secret.reveal(),
            "callbackUrl": callback_url,
            "callbackRouteKey": self.route,
            "forceUpdate": True,
        }
        return await self._api.post(_REGISTER, payload)

    def _instance(self, message: OutboundMessage) -> Mapping[str, object]:
        address, robot = message.address, self._settings.robot
        payload: dict[str, object] = {
            "cardTemplateId": self._settings.card_template_id,
            "outTrackId": track_of(message),
            "cardData": {"cardParamMap": parameters(message.body)},
            "userIdType": 1,
            "callbackType": "STREAM",
        }
        if self._settings.receive == "http":
            payload |= {"callbackType": "HTTP", "callbackRouteKey": self.route}
        if address.conversation:
            space = {"imGroupOpenSpaceModel": {"supportForward": False}, "imGroupOpenDeliverModel": {"robotCode": robot}}
            return payload | {"openSpaceId": f"dtv1.card//IM_GROUP.{address.conversation}", **space}
        space = {
            "imRobotOpenSpaceModel": {"supportForward": False},
            "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT", "robotCode": robot},
        }
        return payload | {"openSpaceId": f"dtv1.card//IM_ROBOT.{address.external_id}", **space}


async def register_callback(cards: Cards, callback_url: str, clock: Clock) -> None:
    """Register the callback address, again and again until the platform has taken it."""
    pause = REGISTER_AGAIN_SECONDS
    while True:
        try:
            code = code_of(await cards.register(callback_url))
        except (TokenError, HttpError):
            code = None
        if code == "":
            return
        log.warning("card_callback_not_registered", code=code or "no_answer")
        await clock.sleep(pause)
        pause = min(pause * 2, REGISTER_PAUSE_SECONDS)


def _is_there(code: str) -> bool:
    """Tell whether the id was used before: after a try without an answer it is ours, so that try was delivered."""
    word = code.lower()
    return "outtrackid" in word and "exist" in word and "notexist" not in word


def _is_delivered(fields: Mapping[str, object]) -> bool:
    """Look at each delivery: a call that succeeded as a whole may have delivered nothing."""
    result = fields.get("result")
    results = result.get("deliverResults") if isinstance(result, Mapping) else None
    if not isinstance(results, list) or not results:
        return False
    return all(isinstance(one, Mapping) and one.get("success") in (True, "true") for one in results)
