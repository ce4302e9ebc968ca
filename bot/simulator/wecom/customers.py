"""What customers and members do with each other outside the product: add, edit, leave, hand over.

It happens in the people's own hands, so it is pushed; changes through the API are not.
"""

from collections.abc import Awaitable, Callable

from bot.simulator.documents import Fields
from bot.simulator.pusher import Delivery
from bot.simulator.wecom import contact_events as events
from bot.simulator.wecom.relations import WAYS, Relation
from bot.simulator.wecom.state import WeComState
from bot.simulator.wecom.way_api import WayApi
from bot.simulator.wecom.welcome_api import WelcomeApi

Push = Callable[[Fields], Awaitable[Delivery]]


class Customers:
    """The people outside, and their doings with members."""

    def __init__(self, state: WeComState, ways: WayApi, welcomes: WelcomeApi, push: Push) -> None:
        self._state = state
        self._ways = ways
        self._welcomes = welcomes
        self._push = push
        self._turns: dict[str, int] = {}  # contact way to the number of its scans

    async def add(
        self,
        userid: str,
        name: str,
        state: str | None = None,
        *,
        external_userid: str | None = None,
        half: bool = False,
        add_way: str = "way",
        unionid: str = "",
    ) -> str:
        """Let a customer add a member; gives the external_userid. Half: without the member's own consent."""
        relations = self._state.relations
        member = self._state.directory.ensure(userid)
        key = external_userid or relations.make_external_userid()
        external = relations.ensure_external(key, name)
        external.unionid = external.unionid or unionid
        was_greeted = key in self._welcomes.received and relations.find(member.userid, key) is not None
        relation = relations.connect(member.userid, key, state=state or "", add_way=WAYS[add_way])
        code = None if member.console_welcome or was_greeted else self._welcomes.make_code(relation)
        await self._push(events.added(member.userid, key, state, code, half=half))
        return key

    async def scan(self, config_id: str, name: str, *, external_userid: str | None = None) -> str:
        """Let a customer scan a contact way: it names the member, and its state comes with the event."""
        way = self._ways.ways[config_id]
        users = way.get("user") or []
        turn = self._turns[config_id] = self._turns.get(config_id, -1) + 1
        userid = str(users[turn % len(users)])
        return await self.add(userid, name, way.get("state") or None, external_userid=external_userid)

    async def remove(self, userid: str, external_userid: str, source: str | None = None) -> Delivery:
        """Let a member delete a customer."""
        self._state.relations.disconnect(userid, external_userid)
        return await self._push(events.deleted(userid, external_userid, source))

    async def leave(self, userid: str, external_userid: str) -> Delivery:
        """Let a customer delete a member."""
        self._state.relations.disconnect(userid, external_userid)
        return await self._push(events.left(userid, external_userid))

    async def edit(self, userid: str, external_userid: str, *, remark: str = "", tag_ids: list[str] | None = None) -> Delivery:
        """Let a member change remark or tags in their own client."""
        relation = self._state.relations.load(userid, external_userid)
        relation.remark = remark or relation.remark
        relation.tag_ids = relation.tag_ids if tag_ids is None else list(tag_ids)
        return await self._push(events.edited(userid, external_userid))

    async def transfer(self, userid: str, new_userid: str, external_userid: str) -> list[Delivery]:
        """Hand a customer over to another member."""
        old = self._state.relations.load(userid, external_userid)
        gone = await self.remove(userid, external_userid, "DELETE_BY_TRANSFER")
        relation = self._state.relations.connect(new_userid, external_userid, state=old.state, add_way=WAYS["admin"])
        relation.remark, relation.tag_ids, relation.chatting = old.remark, list(old.tag_ids), True
        return [gone, await self._push(events.added(new_userid, external_userid, None, None))]

    async def fail_transfer(self, new_userid: str, external_userid: str, reason: str = "customer_refused") -> Delivery:
        """Let a handover fail: the customer refused, or the new member has too many."""
        return await self._push(events.transfer_failed(new_userid, external_userid, reason))

    async def approve_archive(self, userid: str, external_userid: str) -> Delivery:
        """Let a customer agree to the archive of chats."""
        relation = self._state.relations.load(userid, external_userid)
        return await self._push(events.audit_approved(userid, external_userid, self._welcomes.make_code(relation)))

    def chat(self, userid: str, external_userid: str) -> Relation:
        """Let the two write to each other: no welcome is taken any more."""
        relation = self._state.relations.load(userid, external_userid)
        relation.chatting = True
        return relation
