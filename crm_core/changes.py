"""Changing a record's fields by hand, with what was there before in the audit trail."""

from collections.abc import Mapping

from crm_core import access
from crm_core.access import Actor
from crm_core.db import Entity
from crm_core.ports import Core
from crm_core.values import mask_phone, mask_text

_PHONES = frozenset({"mobile", "landline"})
_PERSONAL = frozenset({"wechat_id", "email", "birthday"})


async def change_fields(core: Core, actor: Actor, action: str, row: Entity, values: Mapping[str, object]) -> bool:
    """Set the fields that differ and record them, in the open transaction; tells whether any did."""
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    if not changed:
        return False
    before = {name: _for_audit(name, getattr(row, name)) for name in changed}
    await row.change(core, **changed)
    after = {name: _for_audit(name, value) for name, value in changed.items()}
    await access.record(core, actor, action, row, before=before, after=after)
    return True


def _for_audit(name: str, value: object) -> object:
    # The trail is never emptied, so it must not keep the numbers of somebody who asks to be erased.
    if isinstance(value, str):
        if name in _PHONES:
            return mask_phone(value)
        if name in _PERSONAL:
            return mask_text(value)
    return value
