"""Lists: paging, filters, search."""

import pytest

from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.factories import make_lead


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
