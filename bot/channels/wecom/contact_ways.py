"""Contact ways (渠道活码): made and changed at the platform, kept with the id it shows only once."""

from collections.abc import Sequence

from bot.channels.wecom.contact_api import STATE_CHARACTERS, ContactApi
from crm_core.access import Actor
from crm_core.contact_ways import ContactWay, note_changed, note_contact_way
from crm_core.errors import Invalid
from crm_core.ports import Core


class ContactWays:
    """The codes of one channel. What the platform does is asked first: a code that could not be kept adds people too."""

    def __init__(self, name: str, api: ContactApi) -> None:
        self._name = name
        self._api = api

    async def add(self, core: Core, actor: Actor, *, state: str, user_ids: Sequence[str]) -> ContactWay:
        """Make a code for these members. Raises: Invalid; what a call raises."""
        word = _checked(state)
        if not user_ids:
            raise Invalid(field="user", reason="请写明由谁添加客户")
        config_id, qr_code = await self._api.add_contact_way(user_ids, state=word)
        return await note_contact_way(
            core, actor, channel=self._name, config_id=config_id, state=word, staff_ids=user_ids, qr_code=qr_code
        )

    async def change(
        self, core: Core, actor: Actor, way_id: int, *, state: str = "", user_ids: Sequence[str] = ()
    ) -> ContactWay:
        """Change state or members of a code. Raises: Invalid; what a call raises."""
        way = await self._load(way_id)
        word = _checked(state) if state else ""
        await self._api.update_contact_way(way.config_id, user_ids=user_ids, state=word)
        await note_changed(core, actor, way, state=word, staff_ids=user_ids)
        return way

    async def remove(self, core: Core, actor: Actor, way_id: int) -> ContactWay:
        """End a code: it adds nobody any more. Raises: Invalid; what a call raises."""
        way = await self._load(way_id)
        await self._api.delete_contact_way(way.config_id)
        await note_changed(core, actor, way, removed=True)
        return way

    async def _load(self, way_id: int) -> ContactWay:
        way = await ContactWay.get_or_none(id=way_id, channel=self._name, removed_at=None)
        if way is None:
            raise Invalid(field="id", reason="没有这个渠道活码")
        return way


def _checked(state: str) -> str:
    word = state.strip()
    if not word or len(word) > STATE_CHARACTERS or not word.isprintable():
        raise Invalid(field="state", reason=f"来源应为1到{STATE_CHARACTERS}个字")
    return word
