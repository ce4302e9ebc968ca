"""DingTalk's application calls: tokens, one-to-one and group messages, who read them, and taking them back.

Source: protocols.md section 4.5.
"""

import secrets
from dataclasses import dataclass
from itertools import count

from bot.simulator.calls import Call, Handler, code, errcode, read_object
from bot.simulator.dingtalk.messages import media_ids, read_params
from bot.simulator.dingtalk.state import PLATFORM, TOKEN_SECONDS, DingTalkState
from bot.simulator.records import Json

MAX_USERS = 20
MAX_KEYS = 20
KEPT_SECONDS = 24 * 3600.0  # a message can be asked about and taken back for a day


@dataclass(slots=True)
class Sent:
    """A message the robot sent: to people, or to one group."""

    people: list[str]
    group: str
    at: float
    recalled: bool = False


class RobotApi:
    """The robot's calls on both API hosts."""

    def __init__(self, state: DingTalkState) -> None:
        self._state = state
        self._numbers = count(1)
        self.sent: dict[str, Sent] = {}  # by processQueryKey; not kept when only counting

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            "/v1.0/oauth2/accessToken": self.fetch_token,
            "/gettoken": self.fetch_old_token,
            "/v1.0/robot/oToMessages/batchSend": self.send_to_people,
            "/v1.0/robot/oToMessages/readStatus": self.read_status,
            "/v1.0/robot/otoMessages/batchRecall": self.recall_from_people,
            "/v1.0/robot/groupMessages/send": self.send_to_group,
            "/v1.0/robot/groupMessages/recall": self.recall_from_group,
        }

    def fetch_token(self, call: Call) -> Json:
        """Give a token in the newer form."""
        fields = read_object(call.body) or {}
        token = self._state.give_token(str(fields.get("appKey")), str(fields.get("appSecret")))
        if token is None:
            raise code("invalidClientIdOrSecret", "无效的clientId或者clientSecret")
        return {"accessToken": token, "expireIn": TOKEN_SECONDS}

    def fetch_old_token(self, call: Call) -> Json:
        """Give a token in the older form."""
        token = self._state.give_token(call.query.get("appkey", ""), call.query.get("appsecret", ""))
        if token is None:
            raise errcode(40089, "不合法的corpid或corpsecret")
        return {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": TOKEN_SECONDS}

    def send_to_people(self, call: Call) -> Json:
        """Deliver to up to 20 people; unknown and throttled ones are listed in the answer."""
        state = self._state
        fields = state.read(call)
        user_ids = fields.get("userIds")
        self._check_robot(fields)
        if not isinstance(user_ids, list) or not user_ids:
            raise code("invalidParameter.userIds.empty", "userIds is empty")
        if len(user_ids) > MAX_USERS:
            raise code("invalidParameter.userIds.overMax", "the maximum number of userIds is 100")
        kind, params, text = self._read_params(fields)
        invalid = [who for who in user_ids if who not in state.staff and not state.options.dingtalk_unknown_staff]
        throttled = [who for who in user_ids if who in state.flow_controlled]
        reached = [who for who in user_ids if who not in invalid and who not in throttled]
        key = self._make_key()
        for staff_id in reached:
            state.records.delivered(PLATFORM, staff_id, "one_to_one", kind, text, key, params)
        self._remember(key, Sent(reached, "", state.clock.seconds()))
        return {"processQueryKey": key, "invalidStaffIdList": invalid, "flowControlledStaffIdList": throttled}

    def read_status(self, call: Call) -> Json:
        """Tell who has read a message of the last day: everybody who reads, at once."""
        self._state.admit(call)
        message = self._find(call.query.get("processQueryKey", ""))
        if message is None or message.group:
            raise code("invalidParameter.processQueryKey.invalid", "processQueryKey is unknown")
        unread = self._state.knobs.unread
        rows = [
            {"userId": who, "name": self._state.ensure_staff(who).nick, "readStatus": "UNREAD" if who in unread else "READ"}
            for who in message.people
        ]
        return {"sendStatus": "RECALLED" if message.recalled else "SUCCESS", "messageReadInfoList": rows}

    def recall_from_people(self, call: Call) -> Json:
        """Take one-to-one messages of the last day back."""
        return self._recall(self._state.read(call), "")

    def recall_from_group(self, call: Call) -> Json:
        """Take messages of a group back."""
        fields = self._state.read(call)
        return self._recall(fields, str(fields.get("openConversationId", "")))

    def send_to_group(self, call: Call) -> Json:
        """Deliver to a group the robot is in."""
        state = self._state
        fields = state.read(call)
        self._check_robot(fields)
        group = fields.get("openConversationId")
        if group in state.disbanded:
            raise code("group.disbanded", "the group is disbanded")
        if group not in state.groups:
            raise code("invalidParameter.openConversationId.invalid", "the robot is not in this conversation")
        kind, params, text = self._read_params(fields)
        key = self._make_key()
        state.records.delivered(PLATFORM, str(group), "group", kind, text, key, params)
        self._remember(key, Sent([], str(group), state.clock.seconds()))
        return {"processQueryKey": key}

    def _check_robot(self, fields: Json) -> None:
        if fields.get("robotCode") != self._state.app.robot_code:
            raise code("robot.oto.notExist", "robotCode is unknown")

    def _make_key(self) -> str:
        return f"{secrets.token_hex(6)}{next(self._numbers)}"

    def _read_params(self, fields: Json) -> tuple[str, Json, str]:
        kind, params, text = read_params(fields)
        for media_id in media_ids(params):
            if media_id.removeprefix("@") not in self._state.files:
                raise code("invalidParameter.msgParam.invalid", "the media is unknown")
        return kind, params, text

    def _remember(self, key: str, message: Sent) -> None:
        if not self._state.options.counting_only:
            self.sent[key] = message

    def _find(self, key: str) -> Sent | None:
        message = self.sent.get(key)
        fresh = message is not None and self._state.clock.seconds() < message.at + KEPT_SECONDS
        return message if fresh else None

    def _recall(self, fields: Json, group: str) -> Json:
        self._check_robot(fields)
        keys = fields.get("processQueryKeys")
        if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS:
            raise code("invalidParameter.processQueryKeys.invalid", "processQueryKeys holds 1 to 20 keys")
        done: list[str] = []
        failed: Json = {}
        for key in keys:
            message = self._find(key)
            if message is None or message.group != group:
                failed[key] = "processQueryKey is unknown or too old"
                continue
            done.append(key)
            self._take_back(message)
        return {"successResult": done, "failedResult": failed}

    def _take_back(self, message: Sent) -> None:
        if message.recalled:
            return
        message.recalled = True
        for person in [message.group] if message.group else message.people:
            self._state.records.shown(PLATFORM, person, "机器人撤回了一条消息")
