"""Webhooks of DingTalk: the sessionWebhook of a message, and the custom robot of a group.

Both answer HTTP 200 also on errors. Source: protocols.md section 4.5.
"""

import hmac
from dataclasses import dataclass, field

from bot.simulator.calls import Call, Handler, errcode, read_object
from bot.simulator.dingtalk.limits import RobotLimit
from bot.simulator.dingtalk.messages import read_webhook
from bot.simulator.dingtalk.state import PLATFORM, DingTalkState
from bot.simulator.envelope import robot_sign
from bot.simulator.records import Json

SIGN_SECONDS = 3600.0
KEY_SECONDS = 24 * 3600.0
OK: Json = {"errcode": 0, "errmsg": "ok"}


@dataclass(slots=True)
class CustomRobot:
    """A robot somebody added to a group by hand."""

    access_token: str
    conversation_id: str
    secret: str = ""
    keywords: tuple[str, ...] = ()  # at most ten
    addresses: tuple[str, ...] = ()  # who may call; empty: everybody
    limit: RobotLimit = field(default_factory=RobotLimit)
    keys: dict[str, float] = field(default_factory=dict)  # msgUuid to the time of its message
    stopped: bool = False


class WebhookApi:
    """The calls under /robot."""

    def __init__(self, state: DingTalkState) -> None:
        self._state = state
        self.robots: dict[str, CustomRobot] = {}

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {"/robot/sendBySession": self.send_by_session, "/robot/send": self.send_by_robot}

    def send_by_session(self, call: Call) -> Json:
        """Deliver to the chat a message came from."""
        state = self._state
        session = state.sessions.get(call.query.get("session", ""))
        if session is None or state.clock.seconds() >= session.ends_at:
            raise errcode(300001, "session 不存在")
        fields = _read(call)
        kind, text = read_webhook(fields)
        person = session.conversation_id if session.is_group else session.person
        state.records.delivered(PLATFORM, person, "session", kind, text, "", fields)
        return OK

    def send_by_robot(self, call: Call) -> Json:
        """Deliver to the group of a custom robot."""
        robot = self.robots.get(call.query.get("access_token", ""))
        if robot is None:
            raise errcode(400101, "access_token不存在")
        if robot.stopped:
            raise errcode(400102, "机器人已停用")
        if robot.conversation_id in self._state.disbanded:
            raise errcode(400013, "群已被解散")
        now = self._state.clock.seconds()
        self._check_address(robot)
        self._check_sign(robot, call)
        fields = _read(call)
        kind, text = read_webhook(fields)
        if robot.keywords and not any(word in text for word in robot.keywords):
            raise errcode(310000, "keywords not in content")
        key = str(fields.get("msgUuid", ""))
        if key and now < robot.keys.get(key, -KEY_SECONDS) + KEY_SECONDS:
            return OK
        robot.limit.spend(now, older=self._state.knobs.old_speed_code)
        if key:
            robot.keys[key] = now
        self._state.records.delivered(PLATFORM, robot.conversation_id, "custom_robot", kind, text, key, fields)
        return OK

    def _check_address(self, robot: CustomRobot) -> None:
        address = self._state.knobs.caller_ip
        if robot.addresses and address not in robot.addresses:
            raise errcode(310000, f"ip {address} not in whitelist")

    def _check_sign(self, robot: CustomRobot, call: Call) -> None:
        if not robot.secret:
            return
        timestamp, sign = call.query.get("timestamp", ""), call.query.get("sign", "")
        # The product signs with its own clock, so the unturned time counts here.
        now_ms = self._state.clock.stamp() * 1000
        if not timestamp.isdecimal() or abs(now_ms - int(timestamp)) > SIGN_SECONDS * 1000:
            raise errcode(310000, "invalid timestamp")
        if not hmac.compare_digest(sign.encode(), robot_sign(timestamp, robot.secret).encode()):
            raise errcode(310000, "sign not match")


def _read(call: Call) -> Json:
    if not call.headers.get("Content-Type", "").startswith("application/json"):
        raise errcode(43004, "无效的HTTP HEADER Content-Type")
    fields = read_object(call.body)
    if fields is None:
        raise errcode(40035, "缺少参数 json")
    return fields
