"""Custom group robots in a running house: a new lead is told to the group, and no robot speaks too often."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.db import Database
from crm_core.messages import Address, Body
from crm_core.pool_rules import PoolSettings
from tests.house import ROBOT_SECRET, ROBOT_TOKEN, House
from tests.waiting import until

GROUP = "cidSales"
ROBOT = {"name": "销售群", "url_env": "DINGTALK_ROBOT_URL", "secret_env": "DINGTALK_ROBOT_SECRET"}


@pytest_asyncio.fixture
async def robot_house(db: Database, tmp_path: Path) -> AsyncIterator[House]:
    pools = {"notices_to": "dingtalk/robot:销售群"}
    made = await House(db, tmp_path, pools=pools, dingtalk={"custom_robots": [ROBOT], "month_calls": 30}).start()
    made.simulator.dingtalk.add_custom_robot(ROBOT_TOKEN, GROUP, secret=ROBOT_SECRET)
    yield made
    await made.stop()


async def test_a_new_lead_is_told_to_the_group(robot_house: House) -> None:
    wechat, dingtalk = robot_house.simulator.wechat, robot_house.simulator.dingtalk
    await wechat.follow(wechat.make_openid(), "expo")
    found = await until(lambda: [entry for entry in dingtalk.received(GROUP) if "新线索" in entry.text])
    assert "来源：expo" in found[0].text
    assert robot_house.simulator.complaints == []


async def test_the_twenty_first_message_of_a_minute_waits_and_nobody_else(robot_house: House) -> None:
    core, dingtalk = robot_house.app.core, robot_house.simulator.dingtalk
    await robot_house.employee()
    for number in range(23):
        to = Address("dingtalk", "robot:销售群")
        await core.outbox.put(to, Body(text=f"捷报{number}"), key=f"news:{number}")
    await until(lambda: len(dingtalk.received(GROUP)) == 20, within=15)
    assert "直接说" in (await dingtalk.say("staff-小王", "帮助")).text
    await until(lambda: _waiting(3), within=15)
    assert len(dingtalk.received(GROUP)) == 20


async def _waiting(number: int) -> bool:
    return await Message.filter(status="queued", reason="robot_rate").count() == number


async def test_the_months_calls_stand_on_the_health_page_and_admins_are_warned(robot_house: House) -> None:
    dingtalk = robot_house.simulator.dingtalk
    await robot_house.employee("老板", Role.ADMIN)
    for _ in range(24):
        await dingtalk.say("staff-老板", "帮助")
    found = await until(lambda: [e for e in dingtalk.received("staff-老板") if "超过额度30次的80%" in e.text], within=10)
    assert len(found) == 1
    await robot_house.app.stop()
    await robot_house.restart()
    await until(lambda: robot_house.app.channels["dingtalk"].health()["month_calls"] >= 24)  # type: ignore[attr-defined]
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{robot_house.app.port}/health/ready") as answer,
    ):
        told = (await answer.json())["channels"]["dingtalk"]
    assert told["month_calls"] >= 24
    assert told["month_calls_limit"] == 30


@pytest.mark.parametrize("wrong", ["dingtalk", "dingtalk/", "/robot:x", "dingtalk/robot:", "dingtalk/someone"])
def test_an_address_for_notices_has_its_form(wrong: str) -> None:
    assert [key for key, _ in PoolSettings(notices_to=wrong).problems()] == ["notices_to"]
    assert PoolSettings(notices_to="dingtalk/robot:销售群").problems() == []
