"""A marketer, followers with accounts, and broadcasts in one call."""

from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from campaigns import broadcasts, templates
from campaigns.broadcasts import Broadcast
from crm_core import segments
from crm_core.access import Actor, Role
from crm_core.accounts import Account
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.reach import ReachRule, Window
from tests.factories import make_actor, make_customer_account, make_lead

WECHAT = ReachRule(message=Window(5, timedelta(hours=48)), event=Window(3, timedelta(minutes=1)))


@pytest.fixture
def core(core: Core) -> Core:
    """The bundle with one customers' channel, which has no window."""
    return replace(core, reach={"wechat": ReachRule.always(), "dingtalk": ReachRule.always()})


@pytest_asyncio.fixture
async def marketer(core) -> Actor:
    return await make_actor(core, "小美", Role.MARKETER, staff_id="mei")


def with_settings(core: Core, **values: object) -> Core:
    """The same core with other `[campaigns]` settings."""
    return replace(core, settings=replace(core.settings, campaigns=replace(core.settings.campaigns, **values)))


def windowed(core: Core) -> Core:
    """The same core whose channel wechat has the windows of an Official Account."""
    return replace(core, reach={"wechat": WECHAT})


def uncapped(core: Core) -> Core:
    return with_settings(core, frequency_cap=1000)


async def make_followers(core: Core, count: int, first: int = 1, **values: object) -> list[tuple[Lead, Account]]:
    """Leads with a WeChat account each."""
    made = []
    async with core.db.transaction():
        for number in range(first, first + count):
            lead = await make_lead(core, f"张{chr(0x4E00 + number)}", source="扫码")
            made.append((lead, await make_customer_account(core, lead, f"o{number:04}", **values)))
    return made


async def make_broadcast(
    core: Core, actor: Actor, *, body: str = "{称呼}，新品到了", kind: str = "text", conditions=None, **values
) -> Broadcast:
    """A draft to everybody who is a lead."""
    segment = await segments.create_segment(core, actor, name="全部线索", conditions=conditions or {"kind": "lead"})
    template = await templates.create_template(core, actor, name="新品", kind=kind, body=body)
    return await broadcasts.create(
        core, actor, **{"name": "新品通知", "segment_id": segment.id, "template_id": template.id, "channel": "wechat", **values}
    )


async def make_running(core: Core, actor: Actor, **values) -> Broadcast:
    """Approved, started and planned."""
    from campaigns import engine

    draft = await make_broadcast(core, actor, **values)
    approved = await broadcasts.approve(core, actor, draft.id)
    await engine.plan(core, approved.id)
    return await Broadcast.get(id=approved.id)
