"""The company-wide check tells that somebody is there and whose, and not a word more: for each role, in chat and API."""

from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient

from crm_core import conversion, tokens
from crm_core.access import Role
from crm_core.audit import AuditEntry
from crm_core.employees import Department
from crm_core.ports import Core, Program
from handlers.pipeline import Pipeline
from tests.bot.api.conftest import Caller, client
from tests.factories import SYSTEM, make_actor, make_lead
from tests.handlers.conftest import Staff, pipeline, staff

__all__ = ["client", "pipeline"]
PEERS = {
    "lead": ("刘洋", "恒信电子厂", "13812345678", "liu@hengxin.cn", "liuyang_88"),
    "contact": ("陈晨", "宏达机械厂", "13912345678", "chen@hongda.cn", "chenchen_99"),
}
CONFIDENTIAL = {
    "lead": ("赵云鹏", "北方重工厂", "13712345678", "zhao@beifang.cn", "zhaoyun_77"),
    "contact": ("孙思远", "北疆能源厂", "13612345678", "sun@beijiang.cn", "sunsiyuan_66"),
}
OTHER = "13500000000"
SEE_ALL = {Role.ADMIN, Role.MARKETER, Role.VIEWER}


@pytest_asyncio.fixture
async def house(core: Core) -> None:
    """小李's customers, and those of another unit."""
    north = await Department.add(core, name="北区", kind="unit")
    owners = {"小李": (PEERS, None), "小北": (CONFIDENTIAL, north.id)}
    for name, (people, unit) in owners.items():
        owner = await make_actor(core, name, department_id=unit)
        for kind, (person, company, mobile, email, wechat_id) in people.items():
            lead = await make_lead(
                core,
                person,
                company=company,
                mobile=mobile,
                email=email,
                wechat_id=wechat_id,
                owner_id=owner.employee_id,
                region="上海",
                need="机密需求",
            )
            await lead.change(core, department_id=unit)
            if kind == "contact":
                await conversion.convert(core, owner, lead.id)


def questions(one: tuple[str, ...]) -> list[dict[str, str]]:
    person, company, mobile, email, wechat_id = one
    return [
        {"mobile": mobile},
        {"email": email},
        {"wechat_id": wechat_id},
        {"company": company},
        {"name": person},
        {"name": person, "company": company},
        {"name": person, "mobile": OTHER},
        {"company": company[:4]},
        {"name": person[0] + "某某"},
    ]


def leaks(answer: Any, asked: dict[str, str], one: tuple[str, ...], owner: str = "") -> list[str]:
    """Name what an answer says that whoever asked did not say themselves."""
    text = answer if isinstance(answer, str) else msgspec.json.encode(answer).decode()
    secret = [word for word in (*one, "机密需求", "上海", owner) if word and word not in asked.values()]
    return [word for word in secret if word in text]


async def ask_both(core: Core, talker: Staff, caller: Caller, asked: dict[str, str]) -> tuple[str, list[dict[str, Any]]]:
    """Ask in chat and over the API."""
    said = await talker.says(f"查重 {' '.join(asked.values())}")
    return said, (await caller.post("/duplicates", asked, status=200))["items"]


async def somebody(core: Core, pipeline: Pipeline, client: TestClient[Any, Any], role: Role) -> tuple[Staff, Caller]:
    south = await Department.add(core, name="南区", kind="unit")
    talker = await staff(core, pipeline, "小周", role, department_id=south.id)
    token = await tokens.create(core, SYSTEM, name="x", role=None, employee_id=talker.employee.id, scopes=())
    return talker, Caller(client, token, talker.employee)


@pytest.mark.parametrize("role", [Role.SALES, Role.MANAGER])
async def test_a_colleagues_record_is_whose_and_a_masked_number(
    core: Core, house: None, pipeline: Pipeline, client: TestClient[Any, Any], role: Role
) -> None:
    talker, caller = await somebody(core, pipeline, client, role)
    for one in PEERS.values():
        shown = f"已有，归属：小李，{one[2][:3]}****5678"
        for asked in questions(one):
            said, items = await ask_both(core, talker, caller, asked)
            exact = set(asked.values()) & set(one) if OTHER not in asked.values() else set()
            assert leaks(said, asked, one) == leaks(items, asked, one) == [], asked
            assert (shown in said) == bool(exact), (asked, said)
            assert {item["sentence"] for item in items} == ({shown} if exact else set()), asked
            assert all(item.keys().isdisjoint({"id", "name", "company", "person_id", "owner_id"}) for item in items)
            told = {reason for item in items for reason in item["reasons"]}
            assert not any(word in reason for reason in told for word in ("不同", "相近", "同音", "地区"))


@pytest.mark.parametrize("role", [Role.SALES, Role.MANAGER])
async def test_another_units_record_is_not_even_whose(
    core: Core, house: None, pipeline: Pipeline, client: TestClient[Any, Any], role: Role
) -> None:
    talker, caller = await somebody(core, pipeline, client, role)
    for one in CONFIDENTIAL.values():
        for asked in questions(one):
            said, items = await ask_both(core, talker, caller, asked)
            named = set(asked.values()) & set(one) - {one[0]}
            assert leaks(said, asked, one, "小北") == leaks(items, asked, one, "小北") == [], asked
            assert "5678" not in said
            assert ("已有，请联系总部" in said) == bool(named), (asked, said)
            assert {item["sentence"] for item in items} == ({"已有，请联系总部"} if named else set())
            assert all((item["phone"], item["owner"]) == (None, "") for item in items)
        # Nor by claiming or following up somebody of that name.
        for words in (f"领取 {one[0]}", f"{one[0]}跟进：电话聊过"):
            refused = await talker.says(words)
            assert "小北" not in refused, refused
            assert "5678" not in refused
            await talker.says("取消")
        # Nor by the refusal of a second record.
        status, answer = await caller.ask("POST", "/leads", json={"name": "新来的", "mobile": one[2]})
        assert status == 409
        assert leaks(answer, {"mobile": one[2]}, one, "小北") == []
        refused = await talker.says(f"新线索 新来的 {one[2]}")
        assert leaks(refused, {"mobile": one[2]}, one, "小北") == []
        assert "5678" not in refused.replace(one[2], "")


@pytest.mark.parametrize("role", sorted(SEE_ALL))
async def test_whoever_sees_all_sees_the_record_with_a_masked_number(
    core: Core, house: None, pipeline: Pipeline, client: TestClient[Any, Any], role: Role
) -> None:
    talker, caller = await somebody(core, pipeline, client, role)
    for one in (*PEERS.values(), *CONFIDENTIAL.values()):
        said, items = await ask_both(core, talker, caller, {"company": one[1]})
        assert f"{one[2][:3]}****5678" in said
        assert one[2] not in said + str(items)
        assert all(item["visible"] for item in items)


async def test_their_own_unit_sees_its_own(core: Core, house: None, pipeline: Pipeline, client: TestClient[Any, Any]) -> None:
    north = await Department.get(name="北区")
    talker = await staff(core, pipeline, "小北二", department_id=north.id)
    assert "已有，归属：小北，137****5678" in await talker.says(f"查重 {CONFIDENTIAL['lead'][2]}")


async def test_every_question_is_written_down_without_the_number(core: Core, house: None, pipeline: Pipeline) -> None:
    talker = await staff(core, pipeline, "小周")
    await talker.says(f"查重 {PEERS['lead'][2]}")
    assert await AuditEntry.filter(action="duplicates.ask").count() == 1

    def kept() -> Program[str]:
        rows = yield "SELECT * FROM audit_values", ()
        return str(rows)

    assert PEERS["lead"][2] not in await core.db.read(kept())


async def test_a_colleagues_is_told_to_whoever_would_claim_it(core: Core, house: None, pipeline: Pipeline) -> None:
    talker = await staff(core, pipeline, "小周")
    assert "小李" in await talker.says(f"领取 {PEERS['lead'][0]}")
