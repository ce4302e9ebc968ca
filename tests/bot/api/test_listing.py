"""Lists: paging, filters, search."""

import re
from collections.abc import Awaitable, Callable

import pytest

from crm_core import conversion
from crm_core.access import Role
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.factories import SYSTEM, make_lead


async def test_pages_hold_every_row_once_newest_first(core: Core, admin: Caller) -> None:
    made = [(await make_lead(core, f"张{number}")).id for number in range(7)]
    seen, path = [], "/leads?limit=3"
    while path:
        page = await admin.get(path)
        assert len(page["items"]) <= 3
        seen += [item["id"] for item in page["items"]]
        path = f"/leads?limit=3&cursor={page['next']}" if page["next"] else ""
        await make_lead(core, "新来的")  # what arrives meanwhile shifts nothing
    assert seen == made[::-1]


async def test_the_last_page_knows_that_it_is(core: Core, admin: Caller) -> None:
    for number in range(3):
        await make_lead(core, f"张{number}")
    assert (await admin.get("/leads?limit=3"))["next"] is None
    assert (await admin.get("/leads?limit=2"))["next"] is not None


async def test_filters_are_named_after_fields(core: Core, admin: Caller) -> None:
    await make_lead(core, "张伟", source="展会")
    await make_lead(core, "李娜", source="官网")
    assert [lead["name"] for lead in (await admin.get("/leads?source=展会"))["items"]] == ["张伟"]
    assert [lead["name"] for lead in (await admin.get("/leads?source=展会&status=discarded"))["items"]] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("colour=red", "colour"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("cursor=abc", "cursor"),
        ("cursor=99999999999999999", "cursor"),
        ("owner_id=-1", "owner_id"),
        ("status=open", "status"),
        ("source=a&source=b", "source"),
    ],
)
async def test_a_filter_that_means_nothing_is_refused(admin: Caller, query: str, field: str) -> None:
    status, answer = await admin.ask("GET", f"/leads?{query}")
    assert (status, list(answer["error"]["fields"])) == (422, [field])


async def test_a_blank_search_is_no_search(core: Core, admin: Caller) -> None:
    await make_lead(core)
    assert len((await admin.get("/leads?q="))["items"]) == 1


_FOUND_BY = ("mobile=13800138000", "landline=02162881234", "email=zhang@example.cn", "wechat_id=zw88", "q=13800138000")


@pytest.mark.parametrize("query", _FOUND_BY)
@pytest.mark.parametrize("kind", ["leads", "contacts"])
async def test_a_masked_number_is_not_found_out_by_asking(
    core: Core, caller: Callable[..., Awaitable[Caller]], admin: Caller, query: str, kind: str
) -> None:
    boss = await caller(Role.MANAGER, employee=True)
    assert boss.employee is not None
    owner = await caller(Role.SALES, employee=True, manager_id=boss.employee.id)
    assert owner.employee is not None
    numbers = {"mobile": "13800138000", "landline": "02162881234", "email": "zhang@example.cn", "wechat_id": "zw88"}
    lead = await make_lead(core, owner_id=owner.employee.id, **numbers)
    pooled = await make_lead(core, "李娜", **numbers)
    if kind == "contacts":
        await conversion.convert(core, SYSTEM, lead.id)
        await conversion.convert(core, SYSTEM, pooled.id)
    seen = {}
    for name, one in (("boss", boss), ("owner", owner), ("admin", admin)):
        seen[name] = len((await one.get(f"/{kind}?{query}"))["items"])
    assert seen == {"boss": 1, "owner": 1, "admin": 2}  # the pool's numbers are nobody's
    for role in (Role.VIEWER, Role.MARKETER, Role.MANAGER, Role.SALES):
        assert (await (await caller(role)).get(f"/{kind}?{query}"))["items"] == [], role


async def test_a_search_by_number_finds_no_colleague_to_whom_may_not_see_it(
    caller: Callable[..., Awaitable[Caller]], sales: Caller
) -> None:
    other = await caller(Role.SALES, employee=True, mobile="+8613800138000")
    assert (await sales.get("/employees?q=13800138000"))["items"] == []
    assert len((await other.get("/employees?q=13800138000"))["items"]) == 1


async def test_what_is_wrong_with_a_filter_is_said_in_chinese(admin: Caller) -> None:
    for query in ("status=open", "owner_id=x", "limit=x"):
        _, answer = await admin.ask("GET", f"/leads?{query}")
        assert not re.search("[A-Z]", str(answer["error"]["fields"].values())[12:]), answer
