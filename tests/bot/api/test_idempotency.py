"""Creating once, however often it is asked."""

import asyncio
from datetime import timedelta

from crm_core.leads import Lead
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.bot.api.test_leads import Make
from tests.fakes import FakeClock

KEY = {"Idempotency-Key": "a-1"}


async def test_the_same_key_gives_the_first_answer_again(admin: Caller) -> None:
    first = await admin.post("/leads", {"name": "张伟", "company": ""}, headers=KEY)
    await admin.patch(f"/leads/{first['id']}", {"name": "张伟强"})
    status, again = await admin.ask("POST", "/leads", data=b'{"company":"",   "name":"\\u5f20\\u4f1f"}', headers=KEY)
    assert (status, again) == (201, first)
    assert await Lead.all().count() == 1


async def test_the_same_key_with_another_body_is_refused(admin: Caller) -> None:
    await admin.post("/leads", {"name": "张伟"}, headers=KEY)
    status, answer = await admin.ask("POST", "/leads", json={"name": "李娜"}, headers=KEY)
    assert (status, answer["error"]["code"]) == (409, "idempotency.key_reused")
    assert await Lead.all().count() == 1


async def test_many_at_once_make_one(admin: Caller) -> None:
    made = await asyncio.gather(*(admin.post("/leads", {"name": "张伟"}, headers=KEY) for _ in range(20)))
    assert len({lead["id"] for lead in made}) == 1
    assert await Lead.all().count() == 1


async def test_keys_belong_to_their_caller_and_their_address(admin: Caller, caller: Make) -> None:
    await admin.post("/leads", {"name": "张伟"}, headers=KEY)
    await (await caller()).post("/leads", {"name": "李娜"}, headers=KEY)
    await admin.post("/customers", {"name": "东风机械厂"}, headers=KEY)
    assert await Lead.all().count() == 2


async def test_a_key_is_forgotten_after_a_day(clock: FakeClock, admin: Caller) -> None:
    await admin.post("/leads", {"name": "张伟"}, headers=KEY)
    clock.advance(timedelta(hours=25))
    await admin.post("/leads", {"name": "李娜"}, headers=KEY)


async def test_what_failed_may_be_tried_again_with_its_key(core: Core, admin: Caller) -> None:
    status, _ = await admin.ask("POST", "/leads", json={"name": "张伟", "mobile": "12"}, headers=KEY)
    assert status == 422
    await admin.post("/leads", {"name": "张伟", "mobile": "13800138000"}, headers=KEY)


async def test_a_key_too_long_is_refused(admin: Caller) -> None:
    status, answer = await admin.ask("POST", "/leads", json={"name": "张伟"}, headers={"Idempotency-Key": "x" * 201})
    assert (status, list(answer["error"]["fields"])) == (422, ["Idempotency-Key"])
