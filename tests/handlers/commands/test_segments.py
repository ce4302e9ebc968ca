"""Tags, segments, the reason and the profile in chat."""

from crm_core.access import Role
from crm_core.segments import Segment, tags_of
from tests.factories import make_lead
from tests.handlers.conftest import staff


async def test_tags_put_on_taken_off_and_undone(core, chat):
    lead = await make_lead(core, "张伟", owner_id=chat.employee.id)
    assert await chat.says("给张伟打上VIP标签") == "已打上VIP。张伟现在的标签：VIP"
    assert "没有变化" in await chat.says("给张伟打上VIP标签")
    assert await chat.says("给张伟打上展会标签") == "已打上展会。张伟现在的标签：VIP、展会"
    assert await chat.says("撤销") == "已撤销：标签展会"
    assert await tags_of(lead.person_id) == ["VIP"]
    assert await chat.says("去掉张伟的VIP标签") == "已去掉VIP。张伟现在的标签：没有标签"


async def test_a_search_becomes_a_segment_and_tells_why(core, pipeline):
    marketer = await staff(core, pipeline, "小美", Role.MARKETER)
    await make_lead(core, "张伟", region="上海", score=70)
    await make_lead(core, "李娜", region="北京", score=70)
    assert await marketer.says("人群") == "还没有人群。先搜索，再说：存为人群 名称"
    await marketer.says("搜索 上海 评分60以上")
    made = await marketer.says("存为人群 上海热客")
    segment = await Segment.get()
    assert made == f"已存为人群「上海热客」（#{segment.id}），现有1人。"
    assert "上海热客：地区含上海、评分至少60" in await marketer.says("人群")
    assert "现有1人" in await marketer.says("人群 上海热客")
    told = await marketer.says("为什么 张伟 上海热客")
    assert told.splitlines()[0] == "张伟在人群「上海热客」："
    assert "✓ 评分至少60（70）" in told
    other = await marketer.says("为什么 李娜 上海热客")
    assert other.startswith("李娜不在")
    assert "✗ 地区含上海（北京）" in other


async def test_the_profile_in_one_message_with_sources(core, chat):
    lead = await make_lead(core, "张伟", region="上海", mobile="13800138000", owner_id=chat.employee.id)
    await chat.says("给张伟打上VIP标签")
    said = await chat.says("画像 张伟")
    assert said.startswith("【张伟】画像")
    assert f"手机：13800138000 ［线索#{lead.id}］" in said
    assert "标签：VIP ［手动］" in said
    assert "没有找到" in await chat.says("画像 没有这人")


async def test_rules_of_tags(core, chat, pipeline):
    assert "还没有标签规则" in await chat.says("标签规则")
    admin = await staff(core, pipeline, "管理", Role.ADMIN)
    assert "没有标签规则「x」" in await admin.says("运行标签规则 x")
