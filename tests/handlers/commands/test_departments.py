"""Units and what assignment knows of colleagues, in words."""

import pytest

from crm_core.access import Role
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from tests.handlers.conftest import Staff, staff


async def test_units_are_made_shown_changed_and_closed(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    boss = await staff(core, pipeline, "管理员", Role.ADMIN)
    assert await chat.says("部门") == "还没有单位。管理员可以说：新部门 华东部"
    assert await chat.says("新部门 华东部") == "没有权限，请联系管理员"
    assert await boss.says("新部门 华东部") == "已新建部门：华东部。说错了回复「撤销」"
    assert await boss.says("新部门 上海店 门店 上级 华东部") == "已新建门店：上海店，上级华东部。说错了回复「撤销」"
    assert await chat.says("部门") == "华东部（部门，0人）\n　上海店（门店，0人）"
    assert await boss.says("撤销") == "已撤销：上海店"
    assert await boss.says("改部门 华东部 名称 华东大区") == "已修改：华东大区"
    assert await boss.says("改部门 华东大区 类型 经销商") == "已修改：华东大区"
    assert await boss.says("关闭部门 华东大区") == "已关闭：华东大区"


async def test_regions_hours_and_absence_are_said(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    boss = await staff(core, pipeline, "管理员", Role.ADMIN)
    assert await chat.says("分配资料") == "小王还没有分配资料，按全公司的上班时间和上限分配。"
    assert await boss.says("负责地区 小王 上海、浙江") == "已修改：小王\n负责地区：上海、浙江"
    assert await boss.says("名下上限 小王 30") == "已修改：小王\n负责地区：上海、浙江\n名下上限：30条"
    assert (await boss.says("上班时间 小王 9:00-18:00")).endswith("上班时间：09:00-18:00")
    assert await chat.says("请假 3天") == "已登记请假，11月25日至11月27日，期间不分线索。说错了回复「撤销」"
    assert "请假：11月25日至11月27日" in await chat.says("分配资料 小王")
    assert await chat.says("撤销") == "已撤销：没有请假"
    assert (await chat.says("请假 到11月30日")).startswith("已登记请假，11月25日至11月30日，")
    assert await chat.says("销假") == "已销假，可以分线索了。"


@pytest.mark.parametrize(
    ("said", "days"),
    [
        ("从明天到周五", "11月26日至11月27日"),
        ("后天", "11月27日"),
        ("11月26日至28日", "11月26日至11月28日"),
        ("明天起3天", "11月26日至11月28日"),
    ],
)
async def test_an_absence_is_read_and_told_from_its_first_to_its_last_day(chat: Staff, said: str, days: str) -> None:
    assert (await chat.says(f"请假 {said}")).startswith(f"已登记请假，{days}，期间不分线索")


async def test_an_absence_that_ends_before_it_begins_is_none(chat: Staff) -> None:
    assert "请写成" in await chat.says("请假 从周五到明天")
