"""The simulated Official Account in one object: people do things, the callback is called, chats are kept."""

import secrets
from functools import partial
from itertools import count

import aiohttp

from bot.simulator.accounts import SimulatorOptions, WeChatAccount
from bot.simulator.calls import Handler
from bot.simulator.clock import SimClock
from bot.simulator.documents import Document, Fields
from bot.simulator.pusher import Delivery, Pusher
from bot.simulator.records import ApiCall, ChatEntry, Records
from bot.simulator.tasks import Tasks
from bot.simulator.wechat_oa import messages
from bot.simulator.wechat_oa.account_api import AccountApi
from bot.simulator.wechat_oa.documents import make_document, make_handshake
from bot.simulator.wechat_oa.mass_api import MassApi
from bot.simulator.wechat_oa.media_api import MediaApi
from bot.simulator.wechat_oa.menu_api import MenuApi
from bot.simulator.wechat_oa.message_api import MessageApi
from bot.simulator.wechat_oa.notice_api import NoticeApi
from bot.simulator.wechat_oa.replies import read_reply
from bot.simulator.wechat_oa.state import PLATFORM, make_state
from bot.simulator.wechat_oa.tags_api import TagsApi

EXCUSE = "该公众号暂时无法提供服务，请稍后再试"
FORWARDED = "transfer_customer_service"  # goes to the platform's own service desk, not to the person
FIRST_MESSAGE_ID = 24_000_000_000_000_001
OPENID_LENGTH = 28


class WeChatPlatform:
    """People of an Official Account, its pushes and its API."""

    def __init__(
        self, account: WeChatAccount, options: SimulatorOptions, clock: SimClock, records: Records, tasks: Tasks
    ) -> None:
        self.account = account
        self.pusher = Pusher(options, clock, write=self._write, read=partial(read_reply, account))
        self._clock = clock
        self._records = records
        self._tasks = tasks
        self._ids = count(FIRST_MESSAGE_ID)
        self.state = make_state(account, options, clock, records, self._push_result)
        self.messages = MessageApi(self.state)
        self.account_api = AccountApi(self.state)
        self.media = MediaApi(self.state)
        self.mass = MassApi(self.state, self.media.knows)
        self.tags = TagsApi(self.state)
        self.menu = MenuApi(self.state)
        self.notices = NoticeApi(self.state)

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
        """Name all paths of the API host."""
        parts = (self.messages, self.mass, self.account_api, self.media, self.tags, self.menu, self.notices)
        return {path: handler for part in parts for path, handler in part.routes().items()}

    def make_openid(self) -> str:
        """Make up an openid of a new person."""
        return f"oSim{secrets.token_urlsafe(OPENID_LENGTH)}"[:OPENID_LENGTH]

    async def handshake(self) -> bool:
        """Verify the callback address, as saving it in the console does."""
        return await self.pusher.verify(*make_handshake(self.account, self._clock.stamp()))

    async def follow(self, openid: str, scene: str | None = None) -> Delivery:
        """Follow the account, by a QR code with a scene if given."""
        person = self.state.followers.ensure(openid)
        person.subscribed, person.subscribed_at = True, int(self._clock.seconds())
        person.scene = scene or ""
        self.state.windows.open(openid, "follow")
        if scene is not None:
            self.state.windows.open(openid, "scan")
        return await self._send(openid, messages.subscribe(scene, self._ticket(scene)))

    async def unfollow(self, openid: str) -> Delivery:
        """Stop following."""
        self.state.followers.ensure(openid).subscribed = False
        self.state.windows.close(openid)
        return await self._send(openid, messages.unsubscribe())

    async def say(self, openid: str, text: str, *, menu_id: str | None = None) -> Delivery:
        """Write a text."""
        return await self.send_message(openid, messages.text(text, menu_id))

    async def send_message(self, openid: str, fields: Fields, *, message_id: int | None = None) -> Delivery:
        """Send a message of any type; `fields` as in `messages`."""
        return await self._send(openid, self._message(openid, fields, message_id))

    async def send_image(self, openid: str, data: bytes = b"\xff\xd8\xff simulated") -> Delivery:
        """Send a picture that can be downloaded afterwards."""
        return await self.send_message(openid, messages.image(self.media.keep(data)))

    async def send_voice(self, openid: str, recognition: str | None = None) -> Delivery:
        """Send a voice message."""
        return await self.send_message(openid, messages.voice(self.media.keep(b"#!AMR\n", "audio/amr"), recognition))

    async def scan(self, openid: str, scene: str) -> Delivery:
        """Scan a QR code of the account: follows first if the person does not yet."""
        if not self.state.followers.is_subscribed(openid):
            return await self.follow(openid, scene)
        self.state.windows.open(openid, "scan")
        return await self._send(openid, messages.scan(scene, self._ticket(scene)))

    async def click(self, openid: str, key: str) -> Delivery:
        """Tap a menu item."""
        return await self.send_event(openid, messages.click(key))

    async def tap(self, openid: str, name: str) -> Delivery:
        """Tap the menu item of a name, as far as the menu has one. Raises: KeyError."""
        item = self.menu.find(name)
        if item["type"] == "view":
            return await self.send_event(openid, messages.view(item["url"]))
        return await self.send_event(openid, messages.event(str(item["type"]).upper(), EventKey=item.get("key", "")))

    async def answer_notice(self, openid: str, template_id: str, *, accept: bool = True) -> Delivery:
        """Say yes or no to a subscription notice in the popup."""
        self.state.followers.ensure(openid)
        if accept:
            self.notices.grant(openid, template_id)
        return await self._send(openid, messages.subscribe_popup({template_id: "accept" if accept else "reject"}))

    async def switch_notice_off(self, openid: str, template_id: str) -> Delivery:
        """Switch a subscription notice off in the account's settings."""
        self.notices.withdraw(openid, template_id)
        return await self._send(openid, messages.subscribe_change(template_id))

    async def send_event(self, openid: str, fields: Fields) -> Delivery:
        """Send an event of any kind; `fields` as in `messages`."""
        if str(fields["Event"]).lower() in messages.MENU_ACTIONS:
            self.state.followers.ensure(openid)
            self.state.windows.open(openid, "menu")
        return await self._send(openid, fields)

    async def pay(self, openid: str) -> None:
        """Note a payment: it opens the window without a limit and pushes nothing."""
        self.state.followers.ensure(openid)
        self.state.windows.open(openid, "payment")

    async def deliver(self, openid: str, text: str = "", *, fields: Fields | None = None, copies: int = 3) -> Delivery:
        """Deliver one message several times at once."""
        ready = self._stamp(openid, self._message(openid, fields or messages.text(text), None))
        return self._conclude(openid, await self.pusher.push_overlapping(ready, repeat_after=0.0, attempts=copies))

    async def overlap(self, openid: str, text: str, *, repeat_after: float, attempts: int = 3) -> Delivery:
        """Repeat a message while its first delivery is still being worked on."""
        ready = self._stamp(openid, self._message(openid, messages.text(text), None))
        return self._conclude(openid, await self.pusher.push_overlapping(ready, repeat_after=repeat_after, attempts=attempts))

    async def repeat(self, delivery: Delivery) -> Delivery:
        """Deliver an earlier message once more, hours later if wished."""
        return await self.pusher.push(delivery.fields)

    def chat(self, openid: str) -> list[ChatEntry]:
        """List a person's whole chat."""
        return self._records.chat(PLATFORM, openid)

    def received(self, openid: str) -> list[ChatEntry]:
        """List what a person received from the account."""
        return self._records.received(PLATFORM, openid)

    def count_received(self, openid: str | None = None) -> int:
        """Count what a person, or everybody, received; also when only counting."""
        return self._records.count_received(PLATFORM, openid)

    def doubles(self, via: str | None = None) -> dict[str, int]:
        """Tell who received the same message more than once, on one way (custom, session, ...) if named."""
        return self._records.find_doubles(PLATFORM, via)

    def calls(self, path: str | None = None) -> list[ApiCall]:
        """List the API calls, of one path if named."""
        return self._records.calls(path)

    def _message(self, openid: str, fields: Fields, message_id: int | None) -> Fields:
        self.state.followers.ensure(openid)
        self.state.windows.open(openid, "message")
        return {**fields, "MsgId": message_id or next(self._ids)}

    def _stamp(self, openid: str, fields: Fields) -> Fields:
        head = {"ToUserName": self.account.original_id, "FromUserName": openid, "CreateTime": int(self._clock.stamp())}
        ready = head | fields
        text = str(fields.get("Content") or fields.get("Recognition") or fields.get("Event") or "")
        kind, message_id = str(fields["MsgType"]), str(fields.get("MsgId", ""))
        self._records.wrote(PLATFORM, openid, kind, text, message_id, ready)
        self.messages.touch(openid)
        return ready

    async def _send(self, openid: str, fields: Fields) -> Delivery:
        ready = self._stamp(openid, fields)
        if not self.callback_url:
            return Delivery(ready)
        return self._conclude(openid, await self.pusher.push(ready))

    def _conclude(self, openid: str, delivery: Delivery) -> Delivery:
        reply = delivery.reply
        if delivery.is_broken:
            self._records.complain("passive reply", "; ".join(delivery.problems))
            if delivery.fields["MsgType"] != "event" or delivery.fields.get("Event") == "subscribe":
                self._records.shown(PLATFORM, openid, EXCUSE)
        if reply is None or reply.is_empty:
            return delivery
        for complaint in reply.complaints:
            self._records.complain("passive reply", complaint)
        if reply.kind != FORWARDED:
            self._records.delivered(PLATFORM, openid, "passive", reply.kind, reply.text, delivery.message_id, reply.fields)
        return delivery

    def _write(self, fields: Fields, stamp: float) -> Document:
        return make_document(self.account, fields, stamp, openid=str(fields["FromUserName"]))

    def _push_result(self, openid: str, fields: Fields) -> None:
        if self.callback_url:
            head = {"ToUserName": self.account.original_id, "FromUserName": openid, "CreateTime": int(self._clock.stamp())}
            self._tasks.spawn(self.pusher.push(head | fields), f"push {fields['Event']}")

    def _ticket(self, scene: str | None) -> str:
        known = (ticket for ticket, name in self.account_api.scenes.items() if name == scene)
        return next(known, f"gQSim{scene}==" if scene is not None else "")
