"""The simulated DingTalk in one object: employees say things, the callback is called, chats are kept."""

import asyncio
import secrets
from itertools import count

import aiohttp

from bot.simulator.accounts import DingTalkApp, SimulatorOptions
from bot.simulator.calls import Handler
from bot.simulator.clock import SimClock
from bot.simulator.dingtalk import messages
from bot.simulator.dingtalk.limits import Limits
from bot.simulator.dingtalk.pusher import Push, Pusher
from bot.simulator.dingtalk.robot_api import RobotApi
from bot.simulator.dingtalk.state import PLATFORM, DingTalkState, Session, Staff
from bot.simulator.dingtalk.webhook_api import CustomRobot, WebhookApi
from bot.simulator.records import ApiCall, ChatEntry, Json, Records


class DingTalkPlatform:
    """Employees of an organisation, pushes of its robot and its API."""

    def __init__(self, app: DingTalkApp, options: SimulatorOptions, clock: SimClock, records: Records) -> None:
        self.app = app
        self.pusher = Pusher(app, options, clock)
        self.state = DingTalkState(app, options, clock, records, Limits(options, clock))
        self.robot_api = RobotApi(self.state)
        self.webhooks = WebhookApi(self.state)
        self._options = options
        self._clock = clock
        self._records = records
        self._ids = count(1)

    @property
    def callback_url(self) -> str:
        """Where pushes go; empty: they are only noted."""
        return self.pusher.callback_url

    @callback_url.setter
    def callback_url(self, url: str) -> None:
        self.pusher.callback_url = url

    def open(self, session: aiohttp.ClientSession, base_url: str) -> None:
        """Give the platform its way out and the address of its own webhooks."""
        self.pusher.session = session
        self.state.base_url = base_url

    def routes(self) -> dict[str, Handler]:
        """Name all paths of both API hosts."""
        return self.robot_api.routes() | self.webhooks.routes()

    def add_staff(self, staff_id: str, nick: str, *, is_admin: bool = False, outsider: bool = False) -> Staff:
        """Let a person join; an outsider is only seen in groups and has no staff id towards the robot."""
        person = self.state.staff[staff_id] = Staff(staff_id, nick, is_admin, outsider)
        return person

    def add_group(self, conversation_id: str, title: str) -> None:
        """Add a group with the robot in it."""
        self.state.groups[conversation_id] = title

    def add_custom_robot(
        self, access_token: str, conversation_id: str, *, secret: str = "", keywords: tuple[str, ...] = ()
    ) -> CustomRobot:
        """Add a custom robot to a group, protected by a secret or by words."""
        self.state.groups.setdefault(conversation_id, conversation_id)
        robot = self.webhooks.robots[access_token] = CustomRobot(access_token, conversation_id, secret, keywords)
        return robot

    async def say(self, staff_id: str, text: str, group: str | None = None) -> Push:
        """Write to the robot, alone or in a group with an @ (whose blank stays in the text)."""
        return await self.send_message(staff_id, messages.text(text if group is None else f" {text}"), group)

    async def speak(self, staff_id: str, recognition: str) -> Push:
        """Send a voice message with its transcript."""
        return await self.send_message(staff_id, messages.audio(self._keep(b"#!AMR\n", "audio/amr"), recognition))

    async def send_picture(self, staff_id: str, group: str | None = None, data: bytes = b"\xff\xd8\xff simulated") -> Push:
        """Send a picture that can be downloaded afterwards."""
        return await self.send_message(staff_id, messages.picture(self._keep(data, "image/jpeg")), group)

    async def send_rich_text(self, staff_id: str, parts: list[str | tuple[str]], group: str | None = None) -> Push:
        """Send texts and pictures in one message."""
        return await self.send_message(staff_id, messages.rich_text(parts), group)

    async def send_message(self, staff_id: str, fields: Json, group: str | None = None) -> Push:
        """Send a message of any type; `fields` as in `messages`."""
        body = self._stamp(staff_id, fields, group)
        if not self.callback_url:
            return Push(body, None, b"", 0.0, problem="no callback")
        return self._conclude(staff_id, group, await self.pusher.push_message(body))

    async def deliver(self, staff_id: str, text: str, copies: int = 3, group: str | None = None) -> list[Push]:
        """Deliver one message several times at once."""
        body = self._stamp(staff_id, messages.text(text), group)
        pushes = await asyncio.gather(*(self.pusher.push_message(body) for _ in range(copies)))
        best = next((push for push in pushes if push.kind != "none"), pushes[0])
        self._conclude(staff_id, group, best)
        return list(pushes)

    async def handshake(self) -> bool:
        """Verify the address of the event subscription."""
        return (await self.pusher.push_event({"EventType": "check_url"})).text == "success"

    async def send_event(self, event_type: str, **fields: object) -> Push:
        """Push an event of the subscription, such as user_add_org or user_leave_org."""
        stamp = str(int(self._clock.stamp() * 1000))
        body = {"EventType": event_type, "TimeStamp": stamp, "CorpId": self.app.corp_id, **fields}
        self.state.limits.count_push()
        push = await self.pusher.push_event(body)
        if push.problem:
            self._records.complain("event answer", push.problem)
        return push

    def chat(self, person: str) -> list[ChatEntry]:
        """List the whole chat of a person, or of a group by its conversation id."""
        return self._records.chat(PLATFORM, person)

    def received(self, person: str) -> list[ChatEntry]:
        """List what a person or group received."""
        return self._records.received(PLATFORM, person)

    def count_received(self, person: str | None = None) -> int:
        """Count what a person, or everybody, received; also when only counting."""
        return self._records.count_received(PLATFORM, person)

    def doubles(self, via: str | None = None) -> dict[str, int]:
        """Tell who received the same message more than once, on one way (custom, session, ...) if named."""
        return self._records.find_doubles(PLATFORM, via)

    def calls(self, path: str | None = None) -> list[ApiCall]:
        """List the API calls, of one path if named."""
        return self._records.calls(path)

    def _keep(self, data: bytes, content_type: str) -> str:
        return self.state.keep_file(data, content_type)

    def _stamp(self, staff_id: str, fields: Json, group: str | None) -> Json:
        person = self.state.ensure_staff(staff_id)
        conversation = group or f"cidSim{staff_id}=="
        if group is not None:
            self.state.groups.setdefault(group, group)
        body = self._head(person, conversation, group) | self._say(fields)
        self._records.wrote(PLATFORM, group or staff_id, str(body.get("msgtype", "")), _said(body), str(body["msgId"]), body)
        self.state.limits.count_push()
        return body

    def _say(self, fields: Json) -> Json:
        if self.state.limits.is_month_used_up():
            return {"errorCode": 20001, "errorMessage": "调用次数超过限制"}
        return fields

    def _head(self, person: Staff, conversation: str, group: str | None) -> Json:
        stamp = int(self._clock.stamp() * 1000)
        session = secrets.token_hex(16)
        lifetime = self._options.session_webhook_seconds
        ends_at = self._clock.seconds() + lifetime
        self.state.sessions[session] = Session(conversation, person.staff_id, group is not None, ends_at)
        body: Json = {
            "conversationId": conversation,
            "conversationType": "1" if group is None else "2",
            "msgId": f"msgSim{next(self._ids)}{secrets.token_hex(4)}==",
            "createAt": stamp,
            "senderId": f"$:LWCP_v1:$sim{person.staff_id}",
            "senderNick": person.nick,
            "senderCorpId": self.app.corp_id,
            "isAdmin": person.is_admin,
            "chatbotUserId": "$:LWCP_v1:$simbot",
            "chatbotCorpId": self.app.corp_id,
            "robotCode": self.app.robot_code,
            "sessionWebhook": f"{self.state.base_url}/robot/sendBySession?session={session}",
            "sessionWebhookExpiredTime": stamp + int(lifetime * 1000),
            "senderPlatform": "Mac",
        }
        if not person.outsider:
            body["senderStaffId"] = person.staff_id
        if group is None:
            return body
        at_users = [{"dingtalkId": body["chatbotUserId"]}]
        return body | {"conversationTitle": self.state.groups[group], "isInAtList": True, "atUsers": at_users}

    def _conclude(self, staff_id: str, group: str | None, push: Push) -> Push:
        if push.problem:
            self._records.complain("robot answer", push.problem)
        if push.kind != "none":
            self._records.delivered(PLATFORM, group or staff_id, "passive", push.kind, push.text, push.message_id, {})
        return push


def _said(body: Json) -> str:
    return messages.said_text(body) if "msgtype" in body else ""
