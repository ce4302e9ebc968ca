"""What a row does to what is there: the table wins where it is told to, ids excepted; and what else a table may say."""

from crm_core.importing import undoing
from crm_core.leads import Lead
from crm_core.ports import Core
from tests.crm_core.importing.conftest import Table
from tests.factories import SYSTEM, make_lead

HEAD = ["姓名", "手机号", "公司", "邮箱", "需求", "来源"]
ROWS = [HEAD, ["张伟", "13800138000", "东风机械厂", "", "", ""], ["李娜", "138", "", "", "", ""]]


async def test_a_remark_joins_the_need(table: Table) -> None:
    head = ["姓名", "手机号", "需求", "备注"]
    rows = [["张伟", "13800138000", "20台网关", "下周再打"], ["王芳", "13900139000", "", "要发票"]]
    row = await table.run([head, *rows])
    assert (row.new_count, row.unknown_columns) == (2, "")
    assert [lead.need for lead in await Lead.all().order_by("id")] == ["20台网关\n下周再打", "要发票"]


async def test_only_the_owner_reads_the_file_of_refused_rows(table: Table) -> None:
    table.refused.touch(0o644)  # of an earlier run
    await table.run(ROWS)
    assert table.refused.stat().st_mode & 0o777 == 0o600


async def test_an_overwrite_lets_the_table_win_but_for_ids(table: Table, core: Core) -> None:
    lead = await make_lead(core, "老张", mobile="13800138000", company="西风厂", email="a@example.cn", source="官网")
    rows = [HEAD, ["张伟", "13800138000", "东风机械厂", "b@example.cn", "20台网关", "展会"]]
    over = await table.run(rows, on_duplicate="overwrite")
    now = await Lead.get(id=lead.id)
    assert (now.name, now.company, now.need, now.source) == ("张伟", "东风机械厂", "20台网关", "展会")
    assert (now.email, over.kept_count) == ("a@example.cn", 1)
    assert over.kept_sentence == "有1处手机号、邮箱等与原来不同，没有覆盖，在「清洗」里确认。"
    await undoing.undo_now(table.core, SYSTEM, over.id)
    assert (await Lead.get(id=lead.id)).name == "老张"


async def test_a_source_for_rows_without_one_writes_over_nothing(table: Table, core: Core) -> None:
    lead = await make_lead(core, "老张", mobile="13800138000", source="官网")
    await table.run([HEAD[:2], ["张伟", "13800138000"]], on_duplicate="overwrite", source="展会")
    assert ((await Lead.get(id=lead.id)).name, (await Lead.get(id=lead.id)).source) == ("张伟", "官网")
