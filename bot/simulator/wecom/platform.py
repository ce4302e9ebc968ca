"""The simulated WeCom in one object: members and customers do things, the callback is called, chats are kept."""

import asyncio
from itertools import count

import aiohttp

from bot.simulator.accounts import SimulatorOptions, WeComCorp
from bot.simulator.calls import Answer, Call, Handler
from bot.simulator.clock import SimClock
from bot.simulator.documents import Document, Fields
from bot.simulator.pusher import Delivery, Pusher
from bot.simulator.records import ApiCall, ChatEntry, Json, Records
from bot.simulator.replies import PassiveReply
from bot.simulator.wecom import messages
from bot.simulator.wecom.application_api import ApplicationApi
from bot.simulator.wecom.contact_api import ContactApi
from bot.simulator.wecom.customers import Customers
from bot.simulator.wecom.directory import ROOT, Department, Member
from bot.simulator.wecom.documents import HANDSHAKE_SECONDS, envelope_of, make_document, make_handshake
from bot.simulator.wecom.group_chat_api import GroupChatApi
from bot.simulator.wecom.group_send_api import GroupSendApi
from bot.simulator.wecom.groups import Groups, Tags
from bot.simulator.wecom.media_api import MediaApi
from bot.simulator.wecom.message_api import MessageApi
from bot.simulator.wecom.replies import UPDATES, read_reply
from bot.simulator.wecom.robot_api import GroupRobot, RobotApi
from bot.simulator.wecom.shapes import bad_parameter
from bot.simulator.wecom.state import PLATFORM, make_state
from bot.simulator.wecom.tag_api import TagApi
from bot.simulator.wecom.way_api import WayApi
from bot.simulator.wecom.welcome_api import WelcomeApi

FIRST_MESSAGE_ID = 7_100_000_000_000_000_001
SYSTEM = "sys"  # the sender of everything that is not a member's doing


class WeComPlatform:
    """A corporation: its people, the pushes of its application and its API."""

    def __init__(self, corp: WeComCorp, options: SimulatorOptions, clock: SimClock, records: Records) -> None:
        self.corp = corp
        self.pusher = Pusher(options, clock, write=self._write, read=self._read)
        self.state = make_state(corp, options, clock, records)
        self._clock = clock
        self._records = records
        self._ids = count(FIRST_MESSAGE_ID)
        self.application = ApplicationApi(self.state)
        self.messages = MessageApi(self.state)
        self.tags = TagApi(self.state)
        self.contacts = ContactApi(self.state, self.tags)
        self.ways = WayApi(self.state)
        self.welcomes = WelcomeApi(self.state)
        self.group_sends = GroupSendApi(self.state)
        self.robots = RobotApi(self.state)
        self.customers = Customers(self.state, self.ways, self.welcomes, self.push_contact_event)
        self.groups = Groups(self.state, self.push_contact_event)
        self.console_tags = Tags(self.tags, self.push_contact_event)
        self.last: Delivery | None = None  # the newest push

    @property
    def callback_url(self) -> str:
        """Where pushes go; empty: they are only noted."""
        return self.pusher.callback_url

    @callback_url.setter
    def callback_url(self, url: str) -> None:
        self.pusher.callback_url = url

    def open(self, session: aiohttp.ClientSession) -> None:
        """Give the platform its way out."""
        self.pusher.session = session

    def routes(self) -> dict[str, Handler]:
        """Name all paths; they begin with /wecom, as the API host is a path here."""
        single = (self.application, self.messages, self.contacts, self.tags, self.ways, self.welcomes, self.group_sends)
        more = (self.robots, MediaApi(self.state), GroupChatApi(self.state))
        return {path: self._strict(handler) for part in (*single, *more) for path, handler in part.routes().items()}

    async def handshake(self) -> bool:
        """Verify the callback address, as saving it in the console does."""
        query, expected = make_handshake(envelope_of(self.corp), self._clock.stamp())
        return await self.pusher.verify(query, expected, within=HANDSHAKE_SECONDS)

    def add_member(self, userid: str, name: str, mobile: str = "", department: int = ROOT, **more: object) -> Member:
        """Let somebody be a member, without an event; `more` as the fields of Member."""
        member = self.state.directory.add(Member(userid, name, mobile, [department]))
        for field_name, value in more.items():
            if not hasattr(member, field_name):
                raise AttributeError(field_name)
            setattr(member, field_name, value)
        return member

    def add_department(self, name: str, parent: int = ROOT) -> Department:
        """Add a department, without an event."""
        return self.state.directory.add_department(name, parent)

    async def join(self, userid: str, name: str, mobile: str = "") -> Delivery:
        """Let somebody join the corporation, with the event."""
        member = self.add_member(userid, name, mobile)
        return await self.change_directory("create_user", UserID=userid, Name=name, Department=str(member.department[0]))

    async def quit(self, userid: str) -> Delivery:
        """Let a member leave the corporation."""
        self.state.directory.remove(userid)
        return await self.change_directory("delete_user", UserID=userid)

    async def change_directory(self, change_type: str, **fields: object) -> Delivery:
        """Push a change of the directory: create_user, update_party and the like."""
        return await self._send(SYSTEM, {**messages.change_contact(change_type, **fields), "AgentID": self.corp.agent_id})

    async def member_says(self, userid: str, text: str) -> Delivery:
        """Write a text to the application."""
        return await self.member_sends(userid, messages.text(text))

    async def member_sends(self, userid: str, fields: Fields, *, message_id: int | None = None) -> Delivery:
        """Send a message of any type; `fields` as in `messages`."""
        return await self._send(userid, self._message(userid, fields, message_id))

    async def member_sends_image(self, userid: str, data: bytes = b"\xff\xd8\xff simulated") -> Delivery:
        """Send a picture that can be downloaded afterwards."""
        return await self.member_sends(userid, messages.image(self.state.media.keep("image", data, "image/jpeg")))

    async def member_sends_voice(self, userid: str, data: bytes = b"#!AMR\nsimulated") -> Delivery:
        """Send a voice message that can be downloaded afterwards."""
        return await self.member_sends(userid, messages.voice(self.state.media.keep("voice", data, "voice/amr")))

    async def member_sends_file(self, userid: str, name: str, data: bytes) -> Delivery:
        """Send a file that can be downloaded afterwards."""
        kept = self.state.media.keep("file", data, "application/octet-stream", name)
        return await self.member_sends(userid, messages.file(kept, name))

    async def member_event(self, userid: str, fields: Fields) -> Delivery:
        """Send an event of any kind; `fields` as in `messages`."""
        self.state.directory.ensure(userid)
        return await self._send(userid, {**fields, "AgentID": self.corp.agent_id})

    async def member_clicks(self, userid: str, key: str) -> Delivery:
        """Tap a menu item."""
        return await self.member_event(userid, messages.click(key))

    async def member_enters(self, userid: str) -> Delivery:
        """Open the application."""
        return await self.member_event(userid, messages.enter_agent())

    async def member_presses_card(
        self, userid: str, key: str, *, task_id: str | None = None, selected: dict[str, list[str]] | None = None
    ) -> Delivery:
        """Press a button of the newest card, or of one by its task_id. Raises: KeyError if it has no such button."""
        card = self.messages.cards.last_of(self.state.directory.ensure(userid).userid, task_id)
        if key not in _keys_of(card.body):
            raise KeyError(key)
        code = self.messages.cards.make_code(card)
        return await self.member_event(userid, messages.template_card(key, card.task_id, card.kind, code, selected))

    async def deliver(self, userid: str, text: str = "", *, fields: Fields | None = None, copies: int = 3) -> Delivery:
        """Deliver one message several times at once."""
        ready = self._stamp(userid, self._message(userid, fields or messages.text(text), None))
        return self._conclude(await self.pusher.push_overlapping(ready, repeat_after=0.0, attempts=copies))

    async def overlap(self, userid: str, text: str, *, repeat_after: float, attempts: int = 3) -> Delivery:
        """Repeat a message while its first delivery is still being worked on."""
        ready = self._stamp(userid, self._message(userid, messages.text(text), None))
        return self._conclude(await self.pusher.push_overlapping(ready, repeat_after=repeat_after, attempts=attempts))

    async def repeat(self, delivery: Delivery) -> Delivery:
        """Deliver an earlier message or event once more, hours later if wished."""
        return await self.pusher.push(delivery.fields)

    async def add_external(self, userid: str, name: str, state: str | None = None, *, half: bool = False) -> str:
        """Let a customer add a member; gives the external_userid. More of it in `customers`."""
        return await self.customers.add(userid, name, state, half=half)

    async def remove_external(self, userid: str, external_userid: str) -> Delivery:
        """Let a member delete a customer."""
        return await self.customers.remove(userid, external_userid)

    async def external_leaves(self, userid: str, external_userid: str) -> Delivery:
        """Let a customer delete a member."""
        return await self.customers.leave(userid, external_userid)

    async def push_contact_event(self, fields: Fields) -> Delivery:
        """Push one event of customer contact; `fields` as in `contact_events`."""
        return await self._send(SYSTEM, fields)

    async def customer_contact_events(self, *events: Fields) -> list[Delivery]:
        """Push several events of customer contact at once."""
        return list(await asyncio.gather(*(self.push_contact_event(fields) for fields in events)))

    def member_confirms(self, message_id: str, userid: str | None = None, only: list[str] | None = None) -> int:
        """Let a member, or everybody asked, confirm a group send; gives how many it reached."""
        return self.group_sends.confirm(message_id, userid, only)

    def member_ignores(self, message_id: str, userid: str) -> None:
        """Let a member leave a group send unconfirmed."""
        self.group_sends.ignore(message_id, userid)

    def add_robot(self, key: str, group: str) -> GroupRobot:
        """Add a group robot by its key."""
        robot = self.robots.robots[key] = GroupRobot(key, group)
        return robot

    def chat(self, person: str) -> list[ChatEntry]:
        """List the whole chat of a member, a customer or a group."""
        return self._records.chat(PLATFORM, person)

    def received(self, person: str) -> list[ChatEntry]:
        """List what a member, a customer or a group received."""
        return self._records.received(PLATFORM, person)

    def count_received(self, person: str | None = None) -> int:
        """Count what a person, or everybody, received; also when only counting."""
        return self._records.count_received(PLATFORM, person)

    def count_dropped(self, userid: str | None = None) -> int:
        """Count the messages dropped without a word above a member's limit."""
        dropped = self.state.limits.dropped
        return dropped.total() if userid is None else dropped[userid]

    def doubles(self, via: str | None = None) -> dict[str, int]:
        """Tell who received the same message more than once, on one way (application, welcome, ...) if named."""
        return self._records.find_doubles(PLATFORM, via)

    def calls(self, path: str | None = None) -> list[ApiCall]:
        """List the API calls, of one path if named."""
        return self._records.calls(path)

    def _write(self, fields: Fields, stamp: float) -> Document:
        return make_document(envelope_of(self.corp), fields, stamp)

    def _read(self, document: Document, pushed: Fields, body: bytes) -> PassiveReply:
        return read_reply(envelope_of(self.corp), document, pushed, body)

    def _strict(self, handler: Handler) -> Handler:
        """Refuse a call whose inner shape is wrong, and note it, wherever the handler stumbles over it."""

        def handle(call: Call) -> Json | Answer:
            try:
                return handler(call)
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                self._records.complain(call.path, f"a field inside has the wrong type: {error}")
                raise bad_parameter("wrong type of a field inside") from error

        return handle

    def _message(self, userid: str, fields: Fields, message_id: int | None) -> Fields:
        self.state.directory.ensure(userid)
        return {**fields, "MsgId": message_id or next(self._ids), "AgentID": self.corp.agent_id}

    def _stamp(self, sender: str, fields: Fields) -> Fields:
        head = {"ToUserName": self.corp.corp_id, "FromUserName": sender, "CreateTime": int(self._clock.stamp())}
        ready: Fields = head | fields
        person = str(fields.get("ExternalUserID") or fields.get("ChatId") or sender)
        text = str(fields.get("Content") or fields.get("ChangeType") or fields.get("Event") or "")
        self._records.wrote(PLATFORM, person, str(fields["MsgType"]), text, str(fields.get("MsgId", "")), ready)
        return ready

    async def _send(self, sender: str, fields: Fields) -> Delivery:
        ready = self._stamp(sender, fields)
        if not self.callback_url:
            self.last = Delivery(ready)
            return self.last
        return self._conclude(await self.pusher.push(ready))

    def _conclude(self, delivery: Delivery) -> Delivery:
        self.last = delivery
        reply, sender = delivery.reply, str(delivery.fields["FromUserName"])
        if delivery.is_broken:
            self._records.complain("passive reply", "; ".join(delivery.problems))
        if reply is None or reply.is_empty:
            return delivery
        for complaint in reply.complaints:
            self._records.complain("passive reply", complaint)
        if sender == SYSTEM:
            self._records.complain("passive reply", "a reply to an event that no person sent")
        elif reply.kind in UPDATES:
            card = self.messages.cards.last_of(sender, str(delivery.fields["TaskId"]))
            change = reply.fields["Button" if reply.kind == "update_button" else "TemplateCard"]
            self.messages.change_card(card, change, [sender], via="passive")
        else:
            self._records.delivered(PLATFORM, sender, "passive", reply.kind, reply.text, delivery.message_id, reply.fields)
        return delivery


def _keys_of(card: dict[str, object]) -> set[str]:
    menu, submit = card.get("action_menu"), card.get("submit_button")
    buttons = card.get("button_list") or []
    actions = menu.get("action_list", []) if isinstance(menu, dict) else []
    rows = [*(buttons if isinstance(buttons, list) else []), *actions, submit]
    return {str(row["key"]) for row in rows if isinstance(row, dict) and row.get("key")}
