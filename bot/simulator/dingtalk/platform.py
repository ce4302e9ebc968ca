"""The simulated DingTalk in one object: employees say things, the application hears of it, chats are kept.

`gateway` holds the Stream connections and their knobs, `knobs` everything else that can be set, `card_api` the cards.
"""

import asyncio
import uuid

import aiohttp

from bot.simulator.accounts import DingTalkApp, SimulatorOptions
from bot.simulator.calls import Handler
from bot.simulator.clock import SimClock
from bot.simulator.dingtalk import frames, messages
from bot.simulator.dingtalk.card_api import CardApi
from bot.simulator.dingtalk.cards import Card, Params
from bot.simulator.dingtalk.connections import NO_ACK, Connections
from bot.simulator.dingtalk.directory_api import DirectoryApi
from bot.simulator.dingtalk.events import EventDesk, make_chat_fields, make_org_fields
from bot.simulator.dingtalk.frames import CALLBACK, EVENT, EVENT_TOPIC, ROBOT_TOPIC, Frame
from bot.simulator.dingtalk.inbound import Inbound
from bot.simulator.dingtalk.knobs import Knobs
from bot.simulator.dingtalk.limits import Limits
from bot.simulator.dingtalk.media_api import MediaApi
from bot.simulator.dingtalk.presses import Press, Presses
from bot.simulator.dingtalk.punishment import Punishment
from bot.simulator.dingtalk.pusher import NO_CALLBACK, Push, Pusher
from bot.simulator.dingtalk.robot_api import RobotApi
from bot.simulator.dingtalk.state import PLATFORM, ROOT_DEPARTMENT, Department, DingTalkState, Staff
from bot.simulator.dingtalk.tickets import TicketDesk
from bot.simulator.dingtalk.webhook_api import CustomRobot, WebhookApi
from bot.simulator.records import ApiCall, ChatEntry, Json, Records
from bot.simulator.server import SocketHandler
from bot.simulator.tasks import Tasks


class DingTalkPlatform:
    """Employees of an organisation, pushes of its robot and its API."""

    def __init__(self, app: DingTalkApp, options: SimulatorOptions, clock: SimClock, records: Records, tasks: Tasks) -> None:
        self.app = app
        self.stream: bool | None = None
        """True: pushes go by Stream, False: to the callback, None: by Stream while somebody is connected there."""
        self.knobs = Knobs()
        self.pusher = Pusher(app, options, clock)
        self.state = DingTalkState(app, options, clock, records, Limits(options, clock), self.knobs)
        self.tickets = TicketDesk(self.state, self.knobs)
        self.gateway = Connections(self.state, self.knobs, self.tickets)
        self.punishment = Punishment(clock, self.knobs)
        self.robot_api = RobotApi(self.state)
        self.webhooks = WebhookApi(self.state)
        self.media = MediaApi(self.state)
        self.directory = DirectoryApi(self.state)
        self.card_api = CardApi(self.state, self.knobs)
        self.event_desk = EventDesk(self.state, self.knobs, self.pusher, self.gateway, tasks)
        self._presses = Presses(self.state, self.knobs, self.card_api, self.pusher, self.gateway)
        self._inbound = Inbound(self.state)
        self._records = records

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

    async def close(self) -> None:
        """Break the connections of the Stream."""
        self.gateway.drop()

    def routes(self) -> dict[str, Handler]:
        """Name all paths of both API hosts."""
        parts = (self.robot_api, self.webhooks, self.media, self.directory, self.card_api, self.tickets)
        handlers: dict[str, Handler] = {}
        for part in parts:
            handlers |= part.routes()
        return self.punishment.guard(handlers) | self.media.file_routes()

    def sockets(self) -> dict[str, SocketHandler]:
        """Name the WebSocket paths."""
        return self.gateway.sockets()

    def add_staff(
        self,
        staff_id: str,
        nick: str,
        *,
        is_admin: bool = False,
        outsider: bool = False,
        mobile: str = "",
        department_ids: tuple[int, ...] = (ROOT_DEPARTMENT,),
    ) -> Staff:
        """Let a person join without an event; an outsider is only seen in groups and has no staff id for the robot."""
        person = self.state.staff[staff_id] = Staff(staff_id, nick, is_admin, outsider, mobile, department_ids)
        return person

    def add_department(self, department_id: int, name: str, parent_id: int = ROOT_DEPARTMENT) -> Department:
        """Add a department below another one."""
        department = self.state.departments[department_id] = Department(department_id, name, parent_id)
        return department

    def add_group(self, conversation_id: str, title: str) -> None:
        """Add a group with the robot in it."""
        self.state.groups[conversation_id] = title

    def add_custom_robot(
        self,
        access_token: str,
        conversation_id: str,
        *,
        secret: str = "",
        keywords: tuple[str, ...] = (),
        addresses: tuple[str, ...] = (),
    ) -> CustomRobot:
        """Add a custom robot to a group, protected by a secret, by words or by addresses."""
        self.state.groups.setdefault(conversation_id, conversation_id)
        robot = CustomRobot(access_token, conversation_id, secret, keywords, addresses)
        self.webhooks.robots[access_token] = robot
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

    async def send_file(self, staff_id: str, name: str, data: bytes = b"%PDF-1.4 simulated") -> Push:
        """Send a file that can be downloaded afterwards."""
        return await self.send_message(staff_id, messages.file(self._keep(data, "application/octet-stream"), name))

    async def send_video(self, staff_id: str, data: bytes = b"simulated video") -> Push:
        """Send a video that can be downloaded afterwards."""
        return await self.send_message(staff_id, messages.video(self._keep(data, "video/mp4")))

    async def send_rich_text(self, staff_id: str, parts: list[str | tuple[str]], group: str | None = None) -> Push:
        """Send texts and pictures in one message."""
        return await self.send_message(staff_id, messages.rich_text(parts), group)

    async def send_message(self, staff_id: str, fields: Json, group: str | None = None) -> Push:
        """Send a message of any type; `fields` as in `messages`, or anything a test wants to replace in the body."""
        body = self._write(staff_id, fields, group)
        return self._conclude(staff_id, group, await self._push(body))

    async def deliver(self, staff_id: str, text: str, copies: int = 3, group: str | None = None) -> list[Push]:
        """Deliver one message several times at once."""
        body = self._write(staff_id, messages.text(text), group)
        pushes = await asyncio.gather(*(self._push(body) for _ in range(copies)))
        best = next((push for push in pushes if push.kind != "none"), pushes[0])
        self._conclude(staff_id, group, best)
        return list(pushes)

    async def handshake(self) -> bool:
        """Verify the address of the event subscription."""
        return (await self.pusher.push_event({"EventType": "check_url"})).text == "success"

    async def save_subscription(self, url: str) -> bool:
        """Save an address of their own for events, as the console page does: only after it answered check_url."""
        good = (await self.pusher.push_event({"EventType": "check_url"}, url)).text == "success"
        if good:
            self.pusher.own_events_url = url
        return good

    async def send_event(self, event_type: str, **fields: object) -> Push:
        """Deliver an event, fields named as over HTTP; gives the first delivery, later ones go on by themselves."""
        return await self.event_desk.send(event_type, fields, stream=self._streams(Frame(EVENT, EVENT_TOPIC, "")))

    async def staff_joins(self, staff_id: str, nick: str, *, mobile: str = "") -> Push:
        """Let a person join the organisation (user_add_org)."""
        self.add_staff(staff_id, nick, mobile=mobile)
        return await self.send_event("user_add_org", **make_org_fields([staff_id]))

    async def staff_changes(self, staff_id: str, *, nick: str | None = None, mobile: str | None = None) -> Push:
        """Change a person's name or mobile (user_modify_org)."""
        person = self.state.ensure_staff(staff_id)
        person.nick = person.nick if nick is None else nick
        person.mobile = person.mobile if mobile is None else mobile
        return await self.send_event("user_modify_org", **make_org_fields([staff_id]))

    async def staff_leaves(self, staff_id: str) -> Push:
        """Let a person leave the organisation (user_leave_org)."""
        self.state.staff.pop(staff_id, None)
        return await self.send_event("user_leave_org", **make_org_fields([staff_id]))

    async def chat_changes(self, event_type: str, conversation_id: str, operator: str, staff_ids: list[str]) -> Push:
        """Tell of a group's members: chat_add_member, chat_remove_member, chat_quit."""
        return await self.send_event(event_type, **make_chat_fields(conversation_id, operator, staff_ids))

    async def rename_group(self, conversation_id: str, operator: str, title: str) -> Push:
        """Give a group another title (chat_update_title)."""
        self.state.groups[conversation_id] = title
        return await self.send_event("chat_update_title", **make_chat_fields(conversation_id, operator, [], Title=title))

    async def disband_group(self, conversation_id: str, operator: str) -> Push:
        """Dissolve a group (chat_disband): nothing can be sent to it any more."""
        self.state.disbanded.add(conversation_id)
        return await self.send_event("chat_disband", **make_chat_fields(conversation_id, operator, []))

    async def staff_presses(self, out_track_id: str, staff_id: str, action_ids: list[str], params: Json) -> Press:
        """Press a button of a card; carried by HTTP or Stream as the card says. Raises: KeyError for an unknown card."""
        return await self._presses.press(out_track_id, staff_id, action_ids, params)

    def card(self, out_track_id: str) -> Card:
        """Find a card. Raises: KeyError."""
        return self.card_api.cards[out_track_id]

    def card_shown(self, out_track_id: str, staff_id: str = "") -> Params:
        """Tell what a person sees of a card now; nobody in particular sees the public variables only."""
        return self.card(out_track_id).shown_to(staff_id)

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

    def _write(self, staff_id: str, fields: Json, group: str | None) -> Json:
        body = self._inbound.make(staff_id, fields, group)
        kind, said = str(body.get("msgtype", "")), messages.said_text(body) if "msgtype" in body else ""
        self._records.wrote(PLATFORM, group or staff_id, kind, said, str(body["msgId"]), body)
        self.state.limits.count_push()
        return body

    def _streams(self, frame: Frame) -> bool:
        return self.gateway.has_subscriber(frame) if self.stream is None else self.stream

    async def _push(self, body: Json) -> Push:
        frame = Frame(CALLBACK, ROBOT_TOPIC, frames.pack(body), str(uuid.uuid4()))
        if self._streams(frame):
            return await self._push_frame(body, frame)
        if not self.callback_url:
            return Push(body, None, b"", 0.0, problem=NO_CALLBACK)
        return await self.pusher.push_message(body)

    async def _push_frame(self, body: Json, frame: Frame) -> Push:
        outcome = await self.gateway.push(frame, self.knobs.ack_seconds)
        ack = outcome.ack
        if ack is None:
            return Push(body, None, b"", outcome.seconds, problem=outcome.problem, via="stream")
        problem = outcome.problem or ("" if ack.code == 200 else f"code {ack.code}")
        return Push(body, ack.code, ack.raw.encode(), outcome.seconds, problem=problem, via="stream")

    def _conclude(self, staff_id: str, group: str | None, push: Push) -> Push:
        if push.problem and push.problem != NO_CALLBACK and (push.via == "http" or push.problem == NO_ACK):
            self._records.complain("robot answer", push.problem)
        if push.kind != "none":
            self._records.delivered(PLATFORM, group or staff_id, "passive", push.kind, push.text, push.message_id, {})
        return push
