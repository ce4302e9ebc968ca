"""Duplicates in words: looked for, cleaned by one word, merged, taken apart, ruled; the refusal beside the permission."""

import re

from crm_core import cleaning, merging
from crm_core.access import Role
from crm_core.customers import Contact, Customer
from crm_core.employees import actor_of
from crm_core.identity import new_person
from crm_core.leads import Lead
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from tests.factories import SYSTEM, make_employee, make_lead
from tests.fakes import FakeClock
from tests.handlers.conftest import Staff, staff


async def doubtful(core: Core, chat: Staff, name: str = "张伟") -> tuple[Lead, Lead]:
    owner_id = chat.employee.id
    old = await make_lead(core, name, company="东风机械有限公司", owner_id=owner_id, mobile="13800138000", need="20台网关")
    new = await make_lead(core, name, company="东风机械", owner_id=owner_id, source="官网", need="5台交换机")
    await cleaning.examine(core, new.id)
    return old, new


async def test_a_number_is_looked_for_company_wide_and_tells_only_whose(core: Core, chat: Staff) -> None:
    other = await make_employee(core, "小陈")
    await make_lead(core, "刘洋", owner_id=other.id, mobile="13812345678")
    assert await chat.says("查重 138 1234 5678") == "查到1条：\n1. 已有，归属：小陈，138****5678（手机号相同）"
    assert await chat.says("查重 13700137000") == "没有查到与「13700137000」重复的记录，可以录入。"
    assert "完整的号码" in await chat.says("查重 1381234")
    assert "例如" in await chat.says("查重")


async def test_companies_names_and_addresses_are_looked_for_too(core: Core, chat: Staff) -> None:
    await Customer.add(core, name="东风机械有限公司", owner_id=chat.employee.id)
    assert "已有客户 #" in await chat.says("查重 ＤＦ东风机械") or "没有查到" in await chat.says("查重 ＤＦ东风机械")
    assert "公司相同" in await chat.says("查重 东风机械公司")
    assert "公司相同" in await chat.says("查重 东风机械")
    lead = await make_lead(core, "欧阳娜娜", owner_id=chat.employee.id, email="ou@yang.cn")
    assert f"线索 #{lead.id}" in await chat.says("查重 欧阳娜娜")
    assert "邮箱相同" in await chat.says("查重 OU@yang.cn")


async def test_the_queue_is_worked_off_by_one_word(core: Core, chat: Staff) -> None:
    old, new = await doubtful(core, chat)
    shown = await chat.says("清洗")
    assert shown.startswith("待清洗1条，这一条80分：姓名相同、公司相同")
    assert f"新：线索 #{new.id}" in shown
    assert "公司：东风机械 ｜ 东风机械有限公司" in shown
    assert "电话：－ ｜ 13800138000" in shown
    assert shown.endswith("1. 合并\n2. 不是\n3. 跳过")
    answer = await chat.says("合并")
    assert re.sub(r" #\d+", " #N", answer) == "已合并：张伟 #N、张伟 #N，跟进、标签、提醒都在一起了。\n没有待清洗的了。"
    assert (await Lead.get(id=old.id)).intent_count == 2
    assert await chat.says("意向 张伟") == ("张伟共2次意向：\n1. 2026-11-25，20台网关\n2. 2026-11-25，官网，5台交换机")
    assert "已撤销，恢复了" in await chat.says("撤销")
    assert (await Lead.get(id=new.id)).status == "new"
    assert (await chat.says("清洗")).startswith("待清洗1条")
    assert "以后不再问" in await chat.says("不是")
    assert await chat.says("清洗") == "没有待清洗的线索。"


async def test_numbers_and_skipping_do_as_well(core: Core, chat: Staff) -> None:
    await doubtful(core, chat)
    await chat.says("清洗")
    assert (await chat.says("跳过")).startswith("先跳过")
    await chat.says("清洗")
    assert "以后不再问" in await chat.says("2")
    assert "请先看列表" in await chat.says("合并") or "处理过" in await chat.says("合并")


async def test_a_salesperson_is_not_asked_about_what_they_do_not_see(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    await doubtful(core, chat)
    other = await staff(core, pipeline, "小陈")
    assert await other.says("清洗") == "没有待清洗的线索。"
    viewer = await staff(core, pipeline, "只读", Role.VIEWER)
    assert await viewer.says("清洗") == "没有权限，请联系管理员"


async def test_two_records_are_merged_by_number_or_name_after_a_yes_and_taken_apart(
    core: Core, chat: Staff, clock: FakeClock
) -> None:
    old = await make_lead(core, "张伟", owner_id=chat.employee.id)
    clock.advance(60)
    new = await make_lead(core, "张伟", owner_id=chat.employee.id)
    assert await chat.says("合并线索 张伟") == f"张伟 #{new.id} 并入 张伟 #{old.id}，确定吗？（是/否）"
    assert await chat.says("是") == f"已合并到线索 #{old.id}：张伟，共2次意向"
    assert (await Lead.get(id=new.id)).merged_into_id == old.id
    question = await chat.says("拆开 张伟")
    assert question.startswith(f"拆开「合并张伟 #{new.id} 到张伟 #{old.id}（2026-")
    assert question.endswith("）」，确定吗？（是/否）")
    assert (await Lead.get(id=new.id)).merged_into_id == old.id
    assert await chat.says("是") == f"已拆开：合并张伟 #{new.id} 到张伟 #{old.id}"
    assert (await Lead.get(id=new.id)).merged_into_id is None
    assert "没有可以拆开的合并" in await chat.says("拆开 张伟")
    await chat.says(f"合并线索 #{new.id} #{old.id}")
    assert "已合并" in await chat.says("是")
    assert "恢复了" in await chat.says("撤销")
    assert "请用编号说明" in await chat.says("合并客户 没有这家")
    assert "例如" in await chat.says("合并联系人")


async def test_foreign_leads_are_not_merged(core: Core, chat: Staff) -> None:
    mine = await make_lead(core, owner_id=chat.employee.id)
    foreign = await make_lead(core, owner_id=(await make_employee(core, "小陈")).id)
    assert await chat.says(f"合并线索 #{mine.id} #{foreign.id}") == "没有找到，请核对后再试"


async def test_what_gave_way_is_told(core: Core, chat: Staff) -> None:
    owner_id = chat.employee.id
    keep = await make_lead(core, "张伟", owner_id=owner_id, title="采购", mobile="13800138000")
    drop = await make_lead(core, "张伟", owner_id=owner_id, title="经理", mobile="13900139000")
    assert "没有被覆盖过" in await chat.says(f"资料变更 #{keep.id}")
    await merging.merge(core, SYSTEM, "lead", keep.id, drop.id)
    told = await chat.says(f"资料变更 #{keep.id}")
    assert "职务：采购 → 经理（已更新）" in told
    assert "手机号：+8613800138000 → +8613900139000（保留原值）" in told


async def test_managers_make_and_end_rules(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    boss = await staff(core, pipeline, "陈经理", Role.MANAGER)
    assert "手机号相同 → 合并（100分）" in await boss.says("查重规则")
    made = await boss.says("查重规则 加 姓名+公司 同来源 30天内 合并 90分")
    assert made.startswith("已加规则 #")
    assert "姓名相同 + 公司相同，同来源，30天内 → 合并（90分）" in made
    number = made.removeprefix("已加规则 #").partition("：")[0]
    assert (await boss.says(f"查重规则 停 {number}")).startswith("已停用规则")
    assert "看不懂「也许」" in await boss.says("查重规则 加 姓名 也许")
    assert await chat.says("查重规则") == "没有权限，请联系管理员"


async def test_the_question_names_company_and_phone_of_both(core: Core, chat: Staff) -> None:
    owner_id = chat.employee.id
    await make_lead(core, "张伟", owner_id=owner_id, company="东风机械厂", mobile="13800138000")
    await make_lead(core, "张伟", owner_id=owner_id, company="西湖贸易")
    asked = await chat.says("合并线索 张伟")
    assert "（东风机械厂，138 0013 8000）" in asked or "（东风机械厂，13800138000）" in asked
    assert "（西湖贸易）" in asked


async def test_a_part_of_a_name_is_never_answered_with_free(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    await make_lead(core, "李娜", company="苏州泰沅自动化设备有限公司", owner_id=chat.employee.id)
    answer = await chat.says("查重 苏州泰沅")
    assert "可以录入" not in answer
    assert "苏州泰沅自动化设备有限公司，归属：小王" in answer
    peer = await staff(core, pipeline, "小李")
    answer = await peer.says("查重 苏州泰沅")
    assert "可以录入" not in answer
    assert "归属：小王" in answer
    assert "自动化" not in answer


async def test_names_are_not_called_free_before_they_can_be_found(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, "李娜", owner_id=chat.employee.id)
    await Lead.filter(id=lead.id).update(name_key=None)
    assert "名称索引还在建立" in await chat.says("查重 张无忌")
    assert "可以录入" in await chat.says("查重 13900139000")


async def test_what_is_taken_apart_is_asked_where_several_fit_and_is_never_another_s_merge(core: Core, chat: Staff) -> None:
    mine = chat.employee.id
    firms = [await Customer.add(core, name=name, owner_id=mine) for name in ("东风机械", "东风机械厂")]
    for firm in firms:
        await Contact.add(core, person_id=await new_person(core), name="张伟", customer_id=firm.id, owner_id=mine)
    await merging.merge(core, SYSTEM, "customer", firms[0].id, firms[1].id)
    assert "没有可以拆开的合并" in await chat.says("拆开 张伟")
    kept, one, two = [await make_lead(core, name, owner_id=mine) for name in ("李娜", "李娜一", "李娜二")]
    for drop in (one, two):
        await merging.merge(core, await actor_of(chat.employee), "lead", kept.id, drop.id)
    asked = (await chat.says("拆开 李娜")).splitlines()
    assert [line.partition("（")[0] for line in asked[1:]] == [
        f"{place}. 合并{each.name} #{each.id} 到李娜 #{kept.id}" for place, each in ((1, two), (2, one))
    ]
    assert f"拆开「合并李娜二 #{two.id} 到李娜 #{kept.id}" in await chat.says("1")
    await chat.says("否")
    assert (await Lead.get(id=two.id)).merged_into_id == kept.id
    await chat.says("拆开 李娜")
    await chat.says("1")
    assert await chat.says("是") == f"已拆开：合并李娜二 #{two.id} 到李娜 #{kept.id}"
    assert (await Lead.get(id=two.id)).merged_into_id is None
    assert (await Lead.get(id=one.id)).merged_into_id == kept.id


async def test_a_lead_taken_into_a_contact_is_taken_out_again(core: Core, chat: Staff) -> None:
    mine = chat.employee.id
    contact: Contact = await Contact.add(core, person_id=await new_person(core), name="张伟", owner_id=mine)
    lead = await make_lead(core, "张伟", owner_id=mine)
    await merging.absorb(core, await actor_of(chat.employee), lead.id, contact.id)
    assert "拆开「线索张伟并入张伟" in await chat.says("拆开 张伟")
    await chat.says("是")
    assert (await Lead.get(id=lead.id)).contact_id is None


async def test_a_rule_is_stopped_by_its_place_in_the_list_too(core: Core, pipeline: Pipeline) -> None:
    boss = await staff(core, pipeline, "老周", Role.MANAGER)
    built_in = len(core.settings.identity.rules)
    await boss.says("查重规则 加 姓名+公司 同来源 30天内 合并 80分")
    assert "没有找到规则 99" in await boss.says("查重规则 停 99")
    assert "系统自带" in await boss.says(f"查重规则 停 {built_in}")
    assert "已停用规则 #" in await boss.says(f"查重规则 停 {built_in + 1}")


async def test_more_than_two_are_listed_with_their_numbers(core: Core, chat: Staff) -> None:
    rows = [await make_lead(core, "张伟", owner_id=chat.employee.id, company=name) for name in ("甲厂", "乙厂", "丙厂")]
    said = await chat.says("合并线索 张伟")
    assert "有3条" in said
    assert all(f"张伟 #{row.id}（{row.company}" in said for row in rows)
