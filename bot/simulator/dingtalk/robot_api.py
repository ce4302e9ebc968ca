"""DingTalk's application calls: tokens, one-to-one and group messages, files, media.

Source: protocols.md section 4.5.
"""

import secrets
from itertools import count

from bot.simulator.calls import Answer, Call, Handler, code, errcode, read_object
from bot.simulator.dingtalk.messages import read_params
from bot.simulator.dingtalk.state import PLATFORM, TOKEN_SECONDS, DingTalkState
from bot.simulator.records import Json

MAX_USERS = 20
MEDIA_BYTES = {"image": 20 * 2**20, "voice": 2 * 2**20, "video": 20 * 2**20, "file": 20 * 2**20}


class RobotApi:
    """Both API hosts of the application."""

    def __init__(self, state: DingTalkState) -> None:
        self._state = state
        self._numbers = count(1)
        self.sent: dict[str, list[str]] = {}  # processQueryKey to the people reached; not kept when only counting

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            "/v1.0/oauth2/accessToken": self.fetch_token,
            "/gettoken": self.fetch_old_token,
            "/v1.0/robot/oToMessages/batchSend": self.send_to_people,
            "/v1.0/robot/oToMessages/readStatus": self.read_status,
            "/v1.0/robot/groupMessages/send": self.send_to_group,
            "/v1.0/robot/messageFiles/download": self.locate_file,
            "/_files/*": self.give_file,
            "/media/upload": self.upload,
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
        kind, params, text = read_params(fields)
        invalid = [who for who in user_ids if who not in state.staff and not state.options.dingtalk_unknown_staff]
        throttled = [who for who in user_ids if who in state.flow_controlled]
        reached = [who for who in user_ids if who not in invalid and who not in throttled]
        key = self._make_key()
        for staff_id in reached:
            state.records.delivered(PLATFORM, staff_id, "one_to_one", kind, text, key, params)
        if not state.options.counting_only:
            self.sent[key] = reached
        return {"processQueryKey": key, "invalidStaffIdList": invalid, "flowControlledStaffIdList": throttled}

    def read_status(self, call: Call) -> Json:
        """Tell who has read a message: everybody, at once."""
        if not self._state.is_good(call.headers.get("x-acs-dingtalk-access-token")):
            raise code("InvalidAuthentication", "不合法的access_token", status=self._state.options.invalid_token_status)
        people = self.sent.get(call.query.get("processQueryKey", ""))
        if people is None:
            raise code("processQueryKey.invalid", "processQueryKey is unknown")
        return {"sendStatus": "SUCCESS", "messageReadInfoList": [{"userId": who, "readStatus": "READ"} for who in people]}

    def send_to_group(self, call: Call) -> Json:
        """Deliver to a group the robot is in."""
        state = self._state
        fields = state.read(call)
        self._check_robot(fields)
        group = fields.get("openConversationId")
        if group not in state.groups:
            raise code("invalidParameter.openConversationId.invalid", "the robot is not in this conversation")
        kind, params, text = read_params(fields)
        key = self._make_key()
        state.records.delivered(PLATFORM, str(group), "group", kind, text, key, params)
        return {"processQueryKey": key}

    def locate_file(self, call: Call) -> Json:
        """Turn a download code into a short-lived address."""
        fields = self._state.read(call)
        self._check_robot(fields)
        download_code = str(fields.get("downloadCode", ""))
        if download_code not in self._state.files:
            raise code("invalidParameter.downloadCode.invalid", "downloadCode is unknown")
        return {"downloadUrl": f"{self._state.base_url}/_files/{download_code}"}

    def give_file(self, call: Call) -> Answer:
        """Give the bytes behind such an address."""
        data, content_type = self._state.files.get(call.path.rsplit("/", 1)[1], (b"", ""))
        return (
            Answer(data=data, content_type=content_type) if content_type else Answer(404, data=b"", content_type="text/plain")
        )

    def upload(self, call: Call) -> Json:
        """Keep a file of the form field `media`."""
        self._state.admit_old(call)
        upload, kind = call.uploads.get("media"), call.query.get("type", "")
        if kind not in MEDIA_BYTES:
            raise errcode(40004, "不合法的媒体文件类型")
        if upload is None or not 0 < len(upload.data) <= MEDIA_BYTES[kind]:
            raise errcode(40006, "不合法的文件大小")
        media_id = f"@{self._state.keep_file(upload.data, upload.content_type)}"
        return {
            "errcode": 0,
            "errmsg": "ok",
            "type": kind,
            "media_id": media_id,
            "created_at": self._state.clock.milliseconds(),
        }

    def _check_robot(self, fields: Json) -> None:
        if fields.get("robotCode") != self._state.app.robot_code:
            raise code("robot.oto.notExist", "robotCode is unknown")

    def _make_key(self) -> str:
        return f"{secrets.token_hex(6)}{next(self._numbers)}"
