"""Tags by their groups in words: listed, moved, taken back."""

from crm_core import tagging
from crm_core.access import Role
from crm_core.ports import Core
from crm_core.segments import Tag
from handlers.pipeline import Pipeline
from tests.factories import SYSTEM
from tests.handlers.conftest import Staff, staff


async def test_tags_are_listed_by_group(core: Core, chat: Staff) -> None:
    assert await chat.says("标签") == "还没有标签。可以说：给张伟打上VIP标签"
    await tagging.add_tag(core, SYSTEM, name="VIP", group="等级")
    await tagging.add_tag(core, SYSTEM, name="羽毛球")
    await Tag.add(core, name="高分", group="等级", manual=False)
    assert (
        await chat.says("标签") == "标签：\n· 等级（2）：VIP、高分（规则）\n· 未分组（1）：羽毛球\n归组：标签归组 标签名 组名"
    )
    assert "羽毛球" not in await chat.says("标签 等级")
    assert await chat.says("标签 行业") == "没有标签组「行业」。"


async def test_a_tag_is_moved_and_taken_back_by_who_may(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    for name, group in (("VIP", "等级"), ("高价值", "等级"), ("羽毛球", "")):
        await tagging.add_tag(core, SYSTEM, name=name, group=group)
    marketer = await staff(core, pipeline, "小美", Role.MARKETER)
    assert await marketer.says("标签归组 羽毛球 爱好") == "标签「羽毛球」已归到「爱好」"
    assert await marketer.says("撤销") == "已撤销：标签「羽毛球」回到未分组"
    assert await marketer.says("标签归组 VIP 客户 级别") == "标签「VIP」已归到「客户 级别」"
    assert await marketer.says("撤销") == "已撤销：标签「VIP」回到等级"
    assert (await marketer.says("标签归组 VIP")).startswith("标签归组：请写成：")
    assert await marketer.says("标签归组 没有 爱好") == "没有找到标签「没有」，请核对后再试"
    assert await chat.says("标签归组 VIP 爱好") == "没有权限，请联系管理员"
    assert (await Tag.get(name="VIP")).group == "等级"
