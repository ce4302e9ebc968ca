"""Custom group robots (自定义机器人): they only speak, into one group each; addressed as `robot:NAME`.

The platform takes 20 messages a minute and robot and then blocks it for 10 minutes, hence `RATE`.
"""

import hashlib

from bot.channel import SendRate, SendReceipt, SendStatus
from bot.channels.dingtalk.answers import webhook_message
from bot.channels.dingtalk.outcomes import code_of, receipt_of
from bot.channels.dingtalk.settings import CustomRobot
from bot.crypto import sign_dingtalk
from bot.httpclient import Answer, HttpClient, NotSent, Unanswered
from crm_core.clock import Clock
from crm_core.messages import OutboundMessage

PREFIX = "robot:"
RATE = SendRate(20, 60.0)
_SIGN_REFUSED = "310000"
"""One code for four faults; the text tells which."""


def find_robot(robots: tuple[CustomRobot, ...], external_id: str) -> CustomRobot | None:
    """Give the robot an address names, or None."""
    name = external_id.removeprefix(PREFIX)
    return next((robot for robot in robots if robot.name == name), None)


async def send_to_group(robot: CustomRobot, message: OutboundMessage, http: HttpClient, *, clock: Clock) -> SendReceipt:
    """Send one message; `msgUuid` lets the platform know a repeat, so an unanswered send may be made again."""
    content = webhook_message(message.body)
    if content is None:
        return SendReceipt(SendStatus.REFUSED, "kind_unsupported")
    payload = {**content, "msgUuid": hashlib.sha256(message.key.encode()).hexdigest()[:32]}
    try:
        answer = await _post(robot, payload, http, clock=clock)
        if _is_time_refused(answer):
            # Signed anew with the time of now: the first one may have waited in a queue.
            answer = await _post(robot, payload, http, clock=clock)
    except NotSent:
        return SendReceipt(SendStatus.RETRY, "not_sent")
    except Unanswered:
        return SendReceipt(SendStatus.RETRY, "no_answer")
    code = code_of(answer)
    if code is None:
        return SendReceipt(SendStatus.RETRY, "unreadable_answer")
    return receipt_of(code, clock.now())


async def _post(robot: CustomRobot, payload: object, http: HttpClient, *, clock: Clock) -> Answer:
    params = {}
    if robot.secret:
        timestamp = str(int(clock.now().timestamp() * 1000))
        params = {"timestamp": timestamp, "sign": sign_dingtalk(timestamp, robot.secret)}
    return await http.post(robot.url.reveal(), payload, params=params)


def _is_time_refused(answer: Answer) -> bool:
    fields = answer.json() or {}
    return code_of(answer) == _SIGN_REFUSED and "timestamp" in str(fields.get("errmsg", ""))
