"""What waits in quarantine: kept whole enough to be read again, in the order it came."""

from crm_core import quarantine
from crm_core.ports import Core
from crm_core.quarantine import QuarantinedRow
from tests.factories import SYSTEM, make_actor


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
