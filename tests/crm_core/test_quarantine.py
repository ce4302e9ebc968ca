"""What waits in quarantine: kept whole enough to be read again, in the order it came."""

import pytest

from crm_core import conversion, quarantine
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.quarantine import QuarantinedRow
from tests.factories import SYSTEM, make_actor, make_lead


async def test_a_row_beyond_all_measure_can_still_be_read(core: Core) -> None:
    said = {f"f{number}": '"\x01' * 2_000 for number in range(40)}
    await core.db.run(quarantine.put(core, "leads", "x", [(1, said, [("需求", "太长")])]))
    row = await QuarantinedRow.get()
    assert len(row.payload) < 2 * quarantine.MOST_CHARACTERS
    assert row.values["f0"].startswith('"\x01')


async def test_refused_rows_of_an_import_in_their_order(core: Core) -> None:
    rows = [(line, {"name": f"人{line}"}, [("手机号", "手机号格式不对")]) for line in (9, 3, 5)]
    await core.db.run(quarantine.put(core, "leads", "x", rows, import_id=4))
    await core.db.run(quarantine.put(core, "leads", "x", rows, import_id=5))
    dropped = await QuarantinedRow.get(import_id=4, line=5)
    await quarantine.drop(core, SYSTEM, dropped.id)
    assert [line for line, _, _ in await quarantine.refused_of(4, most=10)] == [3, 9]
    assert await quarantine.refused_of(4, most=1) == [(3, [("手机号", "手机号格式不对")], {"name": "人3"})]


async def test_a_salesperson_sees_their_own(core: Core) -> None:
    actor = await make_actor(core, "小王")
    for employee_id in (None, actor.employee_id):
        await core.db.run(quarantine.put(core, "leads", "x", [(1, {"name": "甲"}, [])], employee_id=employee_id))
    assert (await quarantine.waiting(actor).count(), await quarantine.waiting(SYSTEM).count()) == (1, 2)


async def test_a_released_row_says_whom_it_became(core: Core) -> None:
    lead = await make_lead(core, name="张伟", mobile="13800138000")
    _, contact = await conversion.convert(core, SYSTEM, lead.id)
    for name, mobile, person_id in (("张伟", "13800138000", contact.person_id), ("李娜", "13900139000", None)):
        await core.db.run(quarantine.put(core, "leads", "x", [(1, {"name": name, "mobile": "1"}, [])]))
        row = await QuarantinedRow.all().order_by("-id").first()
        assert row is not None
        made = await quarantine.release(core, SYSTEM, row.id, {"mobile": mobile})
        expected = person_id or (await Lead.get(id=made.id)).person_id
        assert (await QuarantinedRow.get(id=row.id)).person_id == expected


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("+86 139-1234 5678", True),
        ("１３９１２３４５６７８", True),
        ("手机13912345678，勿扰", True),
        ("Qian@Example.cn", True),
        ("13912345679", False),
        ("139 1234", False),
    ],
)
async def test_rows_are_found_by_a_number_however_it_is_typed(core: Core, cell: str, found: bool) -> None:
    await core.db.run(quarantine.put(core, "leads", "x", [(1, {"name": "甲", "mobile": cell}, [])]))
    row = await QuarantinedRow.get()
    words = ("13912345678", "qian@example.cn")
    assert await core.db.read(quarantine.said_by(words, 0, row.id)) == ([row.id] if found else [])
    assert await core.db.read(quarantine.said_by(words, row.id, row.id + 9)) == []
