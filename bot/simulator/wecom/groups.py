"""What happens to groups with customers and to the corporation's tags, in the people's own hands.

Source: protocols.md section 3.2.
"""

from bot.simulator.pusher import Delivery
from bot.simulator.wecom import contact_events as events
from bot.simulator.wecom.customers import Push
from bot.simulator.wecom.relations import GroupChat
from bot.simulator.wecom.state import WeComState
from bot.simulator.wecom.tag_api import TagApi

INVITED, BY_LINK, BY_QR_CODE = 0, 1, 3  # JoinScene
QUIT_ALONE, QUIT_REMOVED = 0, 1  # QuitScene


class Groups:
    """Groups with customers in them."""

    def __init__(self, state: WeComState, push: Push) -> None:
        self._state = state
        self._push = push

    async def create(self, owner: str, name: str, people: list[str] | None = None) -> str:
        """Make a group of an owner with members and customers; gives the chat_id."""
        now = int(self._state.clock.seconds())
        chat_id = self._state.make_id("wrSimChat")
        everybody = dict.fromkeys([owner, *(people or [])], now)
        self._state.relations.groups[chat_id] = GroupChat(chat_id, name, owner, now, people=everybody)
        await self._push(events.chat_changed(chat_id, "create"))
        return chat_id

    async def join(self, chat_id: str, people: list[str], scene: int = BY_QR_CODE) -> Delivery:
        """Let people join."""
        group = self._load(chat_id)
        for key in people:
            group.people[key] = int(self._state.clock.seconds())
            group.joined_by[key] = 3 if scene == BY_QR_CODE else 1
        return await self._change_people(group, "add_member", people, JoinScene=scene)

    async def quit(self, chat_id: str, people: list[str], scene: int = QUIT_ALONE) -> Delivery:
        """Let people quit, or be removed."""
        group = self._load(chat_id)
        for key in people:
            del group.people[key]
        return await self._change_people(group, "del_member", people, QuitScene=scene)

    async def rename(self, chat_id: str, name: str) -> Delivery:
        """Change the name."""
        self._load(chat_id).name = name
        return await self._push(events.chat_changed(chat_id, "update", "change_name"))

    async def announce(self, chat_id: str, notice: str) -> Delivery:
        """Change the notice."""
        self._load(chat_id).notice = notice
        return await self._push(events.chat_changed(chat_id, "update", "change_notice"))

    async def hand_over(self, chat_id: str, owner: str) -> Delivery:
        """Change the owner."""
        self._load(chat_id).owner = owner
        return await self._push(events.chat_changed(chat_id, "update", "change_owner"))

    async def dismiss(self, chat_id: str) -> Delivery:
        """End the group."""
        self._load(chat_id).dismissed = True
        return await self._push(events.chat_changed(chat_id, "dismiss"))

    def _load(self, chat_id: str) -> GroupChat:
        return self._state.relations.groups[chat_id]

    async def _change_people(self, group: GroupChat, detail: str, people: list[str], **scene: int) -> Delivery:
        before = group.member_version
        group.version += 1
        changed = events.chat_changed(
            group.chat_id,
            "update",
            detail,
            **scene,
            MemChangeCnt=len(people),
            MemChangeList={"Item": people},
            LastMemVer=before,
            CurMemVer=group.member_version,
        )
        return await self._push(changed)


class Tags:
    """The corporation's tags, changed in the console."""

    def __init__(self, api: TagApi, push: Push) -> None:
        self._api = api
        self._push = push

    async def create(self, group_name: str, name: str) -> str:
        """Make a tag, and its group if that is new; gives the tag's id."""
        known = next((group for group in self._api.groups.values() if group.name == group_name), None)
        group = known or self._api.make_group(group_name)
        if known is None:
            await self._push(events.tag_changed("create", group.group_id, "tag_group"))
        tag = self._api.put(group, name)
        await self._push(events.tag_changed("create", tag.tag_id))
        return tag.tag_id

    async def rename(self, tag_id: str, name: str) -> Delivery:
        """Rename a tag."""
        tag = self._api.find(tag_id)
        if tag is None:
            raise KeyError(tag_id)
        tag.name = name
        return await self._push(events.tag_changed("update", tag_id))

    async def delete(self, tag_id: str) -> Delivery:
        """Delete a tag everywhere."""
        self._api.drop({tag_id})
        return await self._push(events.tag_changed("delete", tag_id))

    async def shuffle(self, group_id: str) -> Delivery:
        """Change the order of a group's tags."""
        return await self._push(events.tag_changed("shuffle", group_id, "tag_group"))
