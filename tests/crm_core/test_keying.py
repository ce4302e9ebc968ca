"""Keys follow the names, whoever writes them."""

import re
from pathlib import Path

from crm_core import keying
from crm_core.customers import Customer
from crm_core.identity import new_person
from crm_core.leads import Lead, insert_from_channel
from crm_core.ports import Core, Program
from tests.factories import make_lead

ROOT = Path(__file__).parents[2]


async def test_the_orm_writes_the_keys_with_the_names(core: Core) -> None:
    lead = await make_lead(core, "单雄信", company="东风机械有限公司")
    assert (lead.name_key, lead.company_key) == ("shan xiong xin", "dong feng ji xie")
    await lead.change(core, name="曾国藩", title="经理")
    assert (await Lead.get(id=lead.id)).name_key == "zeng guo fan"
    await lead.change(core, title="主管")
    again = await Lead.get(id=lead.id)
    assert (again.name_key, again.title) == ("zeng guo fan", "主管")
    customer: Customer = await Customer.add(core, name="云帆科技公司")
    assert customer.name_key == "yun fan ke ji"


async def test_what_plain_sql_wrote_gets_its_keys_a_little_later(core: Core) -> None:
    await core.db.run(insert_from_channel(core, channel="wechat", name="张伟", source="", raw_text=""))
    await core.db.run(insert_from_channel(core, channel="wechat", name="微信访客2", source="", raw_text=""))
    assert await Lead.filter(name_key=None).count() == 2
    assert await keying.fill(core) == 2
    assert sorted(await Lead.all().values_list("name_key", flat=True)) == ["", "zhang wei"]  # type: ignore[type-var]
    assert await keying.fill(core) == 0
    await new_person(core)


async def test_many_pages(core: Core) -> None:
    async with core.db.transaction():
        for number in range(keying.PAGE + 1):
            await Customer.add(core, name=f"公司{number}")
        await core.db.run(_forget())
    assert await keying.fill(core) == keying.PAGE + 1


def _forget() -> Program[None]:
    yield "UPDATE customers SET name_key = NULL", ()


def test_plain_sql_that_renames_makes_the_key_due() -> None:
    """A name or company set in plain SQL leaves a stale key unless the statement says so."""
    renames = re.compile(r'UPDATE (?:leads|contacts|customers) SET [^"]*\b(?:name|company) = [^"]*', re.DOTALL)
    wrong = []
    for folder in ("crm_core", "scheduler", "campaigns", "handlers", "bot"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for found in renames.findall(path.read_text(encoding="utf-8")):
                if "name_key" not in found and "migrations" not in path.parts:
                    wrong.append((path.name, found))
    assert wrong == []
