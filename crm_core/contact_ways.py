"""Contact ways (「联系我」渠道活码): codes with which people add a member; the platform names them by an id it shows once."""

from collections.abc import Sequence

from tortoise import fields

from crm_core import access
from crm_core.access import Actor
from crm_core.db import Entity, UtcDatetimeField
from crm_core.ports import Core


class ContactWay(Entity):
    """One code: whoever adds a member by it brings `state` along, which becomes the lead's source."""

    owner_field = None

    channel = fields.CharField(max_length=64)
    config_id = fields.CharField(max_length=128)
    state = fields.CharField(max_length=32)
    staff_ids = fields.TextField(default="")
    """Members' ids, one a line."""
    qr_code = fields.CharField(max_length=512, default="")
    removed_at = UtcDatetimeField(null=True)

    class Meta:
        """Few rows; never deleted, because leads tell where they came from."""

        table = "contact_ways"
        unique_together = (("channel", "config_id"),)


async def note_contact_way(
    core: Core, actor: Actor, *, channel: str, config_id: str, state: str, staff_ids: Sequence[str], qr_code: str
) -> ContactWay:
    """Keep a code that was just made: its id can be had nowhere else."""
    async with core.db.transaction():
        made: ContactWay = await ContactWay.add(
            core, channel=channel, config_id=config_id, state=state[:32], staff_ids="\n".join(staff_ids), qr_code=qr_code[:512]
        )
        await access.record(core, actor, "contact_way.create", made, after={"state": state})
    return made


async def note_changed(
    core: Core, actor: Actor, way: ContactWay, *, state: str = "", staff_ids: Sequence[str] = (), removed: bool = False
) -> None:
    """Keep what was changed about a code at the platform."""
    values: dict[str, object] = {}
    values |= {"state": state[:32]} if state else {}
    values |= {"staff_ids": "\n".join(staff_ids)} if staff_ids else {}
    values |= {"removed_at": core.clock.now()} if removed else {}
    async with core.db.transaction():
        await way.change(core, **values)
        await access.record(core, actor, "contact_way.remove" if removed else "contact_way.update", way)
