"""Changing fields, with what was there before in the audit trail."""

import json

from crm_core.audit import AuditEntry, values_of
from crm_core.changes import change_fields
from crm_core.ports import Core
from tests.factories import SYSTEM, make_lead


async def test_only_what_differs_is_changed_and_recorded(core: Core) -> None:
    lead = await make_lead(core, "张伟", region="上海", mobile="13800138000", email="z@example.cn")
    async with core.db.transaction():
        assert not await change_fields(core, SYSTEM, "lead.update", lead, {"region": "上海"})
        values = {"region": "北京", "mobile": "+8613900139000", "email": None, "name": "张伟"}
        assert await change_fields(core, SYSTEM, "lead.update", lead, values)
    entry = await AuditEntry.get(action="lead.update")
    words = (await values_of([entry.id]))[entry.id]
    assert json.loads(words.before) == {"region": "上海", "mobile": "138****8000", "email": "z***"}
    assert json.loads(words.after) == {"region": "北京", "mobile": "139****9000", "email": None}
