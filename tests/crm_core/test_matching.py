"""The company-wide duplicate check: found by ids and names everywhere, told without leaking."""

import pytest

from crm_core import access, matching
from crm_core.access import Actor, Role
from crm_core.accounts import Account
from crm_core.audit import AuditEntry
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee
from crm_core.errors import Invalid, Refused
from crm_core.followers import Follower
from crm_core.identity import new_person
from crm_core.matching import LeadDuplicate, find_duplicates, hard_matches
from crm_core.merging import merge
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_customer_account, make_employee, make_lead


async def contact_at(core: Core, company: str, name: str, owner: Employee | None = None, **values: object) -> Contact:
    owner_id = owner.id if owner else None
    customer: Customer = await Customer.add(core, name=company, owner_id=owner_id)
    contact: Contact = await Contact.add(
        core, person_id=await new_person(core), name=name, customer_id=customer.id, owner_id=owner_id, **values
    )
    return contact


async def test_one_person_is_found_by_each_id_over_leads_and_contacts(core: Core) -> None:
    lead = await make_lead(core, mobile="13800138000", email="Zhang@Example.cn", wechat_id="zhangwei88")
    contact = await contact_at(core, "西湖贸易", "李娜", mobile="+8613900139000", email="LiNa@example.cn")
    for asked, kind, number in (
        ({"mobile": "138 0013 8000"}, "lead", lead.id),
        ({"email": "ZHANG@example.CN"}, "lead", lead.id),
        ({"wechat_id": "ZhangWei88"}, "lead", lead.id),
        ({"mobile": "+86 139-0013-9000"}, "contact", contact.id),
        ({"email": "lina@example.cn"}, "contact", contact.id),
    ):
        found = await find_duplicates(core, SYSTEM, **asked)  # type: ignore[arg-type]
        assert [(one.kind, one.id) for one in found] == [(kind, number)], asked
        assert found[0].verdict.action == "same"
    assert await find_duplicates(core, SYSTEM, mobile="13700137000") == []
    assert await find_duplicates(core, SYSTEM, mobile="13800138000", exclude=("lead", lead.id)) == []


@pytest.mark.parametrize("name", ["东风机械", "东风机械公司", "东风机械有限公司", "ＤＯＮＧ东风机械"])
async def test_names_of_companies_are_caught_however_they_are_written(core: Core, name: str) -> None:
    stored = "dong东风机械股份有限公司" if "Ｄ" in name else "东风机械股份有限公司"
    customer: Customer = await Customer.add(core, name=stored)
    found = await find_duplicates(core, SYSTEM, company=name)
    assert [(one.kind, one.id, one.reasons) for one in found] == [("customer", customer.id, ("公司相同",))]


async def test_near_names_are_found_by_their_neighbours_and_not_by_a_scan(core: Core) -> None:
    wanted: Customer = await Customer.add(core, name="东风机械设备")
    for number in range(80):
        await Customer.add(core, name=f"东风{chr(0x4E00 + number * 7)}器")
    found = await find_duplicates(core, SYSTEM, company="东风机械设各有限公司")
    assert (found[0].id, found[0].reasons) == (wanted.id, ("公司名称相近",))


async def test_name_and_company_find_a_contact_through_their_customer(core: Core) -> None:
    contact = await contact_at(core, "东风机械有限公司", "张伟")
    found = await find_duplicates(core, SYSTEM, name="章伟", company="东风机械")
    assert [(one.kind, one.id) for one in found if one.kind == "contact"] == [("contact", contact.id)]
    assert "姓名同音" in found[-1].reasons


async def test_accounts_of_one_person_on_two_channels_are_one_person(core: Core) -> None:
    one, two, three = await make_lead(core, "微信访客1"), await make_lead(core, "微信访客2"), await make_lead(core, "微信访客3")
    await make_customer_account(core, one, external_id="wmAAA", channel="wecom")
    await make_customer_account(core, two, external_id="wmAAA", channel="kf")
    for lead, channel in ((one, "wechat"), (three, "shop")):
        account: Account = await make_customer_account(core, lead, external_id=f"o{lead.id}", channel=channel)
        await Follower.add(core, account_id=account.id, unionid="uAAA")
    record = await core.db.read(matching.facts_of("lead", one.id))
    assert record is not None
    found = await matching.compare(core, SYSTEM, record.facts, exclude=("lead", one.id))
    assert {(one.id, one.reasons) for one in found} == {
        (two.id, ("渠道账号相同",)),
        (three.id, ("微信身份（unionid）相同",)),
    }


async def test_a_merged_record_answers_with_the_surviving_one_also_by_its_own_number(core: Core) -> None:
    keep, drop = await make_lead(core, mobile="13800138000"), await make_lead(core, mobile="13900139000")
    await merge(core, SYSTEM, "lead", keep.id, drop.id)
    for number in ("13800138000", "13900139000"):
        assert [one.id for one in await find_duplicates(core, SYSTEM, mobile=number)] == [keep.id]


async def test_of_a_foreign_record_only_whose_it_is_is_told(core: Core) -> None:
    owner, asker = await make_employee(core, "小王"), await make_actor(core, "小陈")
    await make_lead(core, "张伟", owner_id=owner.id, mobile="13812345678", company="东风机械厂")
    foreign = (await find_duplicates(core, asker, mobile="13812345678"))[0]
    assert foreign.sentence() == "已有，归属：小王，138****5678"
    assert not foreign.visible
    own = (await find_duplicates(core, await _actor(core, owner), mobile="13812345678"))[0]
    assert own.sentence() == f"已有线索 #{own.id}：张伟（东风机械厂），归属：小王，138****5678"


async def _actor(core: Core, employee: Employee) -> Actor:
    return Actor(role=Role.SALES, name=employee.name, employee_id=employee.id, team=frozenset({employee.id}))


async def test_half_a_name_finds_nothing_foreign(core: Core) -> None:
    owner, asker = await make_employee(core, "小王"), await make_actor(core, "小陈")
    await make_lead(core, "张伟", owner_id=owner.id, company="云帆科技", region="上海")
    await Customer.add(core, name="云帆科技", owner_id=owner.id)
    assert await find_duplicates(core, asker, name="章伟", company="云凡科技") == []
    assert len(await find_duplicates(core, SYSTEM, name="章伟", company="云凡科技")) >= 1
    assert [one.sentence() for one in await find_duplicates(core, asker, company="云帆科技有限公司")] == ["已有，归属：小王"]


async def test_asking_needs_something_whole_and_is_written_down(core: Core) -> None:
    actor = await make_actor(core)
    for asked in ({"mobile": "1380013"}, {"name": "张"}, {"company": "有"}, {}, {"name": "微信访客1"}):
        with pytest.raises(Invalid):
            await matching.ask(core, actor, **asked)
    with pytest.raises(Refused):
        await matching.ask(core, Actor(role=Role.SALES, name="x", scopes=frozenset()), name="张伟")
    assert await AuditEntry.filter(action="duplicates.ask").count() == 0
    await matching.ask(core, actor, mobile="13812345678", name="张伟")
    entry = await AuditEntry.get(action="duplicates.ask")
    words = (await matching_values(entry.id)).after
    assert entry.employee_id == actor.employee_id
    assert "138****5678" in words
    assert "13812345678" not in words


async def matching_values(entry_id: int) -> access.audit.AuditValues:
    return (await access.audit.values_of([entry_id]))[entry_id]


async def test_a_name_alone_lists_its_bearers(core: Core) -> None:
    one, two = await make_lead(core, "张伟"), await make_lead(core, "张伟", region="上海")
    found = await matching.ask(core, SYSTEM, name="张伟")
    assert [one.id for one in found] == [one.id, two.id]
    assert {one.verdict.action for one in found} == {"doubtful"}


async def test_a_known_number_is_refused_where_that_is_asked_for(core: Core) -> None:
    owner, asker = await make_employee(core, "小王"), await make_actor(core, "小陈")
    lead = await make_lead(core, owner_id=owner.id, mobile="13812345678")
    with pytest.raises(LeadDuplicate) as refused:
        await matching.refuse_known(core, asker, mobile="13812345678", name="李娜")
    assert refused.value.sentence() == "已有，归属：小王，138****5678，没有重复录入"
    assert "id" not in refused.value.fields
    with pytest.raises(LeadDuplicate) as shown:
        await matching.refuse_known(core, SYSTEM, mobile="13812345678")
    assert shown.value.fields["id"] == lead.id
    await matching.refuse_known(core, asker, mobile="13700137000")


async def test_a_page_of_ids_is_looked_up_at_once(core: Core) -> None:
    keep, drop = await make_lead(core, mobile="13800138000"), await make_lead(core, mobile="13900139000", email="A@b.cn")
    await merge(core, SYSTEM, "lead", keep.id, drop.id)
    contact = await contact_at(core, "西湖贸易", "李娜", mobile="+8613700137000", wechat_id="LiNa1")
    converted = await make_lead(core, mobile="13600136000")
    await converted.change(core, contact_id=contact.id)
    customer: Customer = await Customer.add(core, name="甲", credit_code="91310000MA1FL00000")
    account = await make_customer_account(core, keep, external_id="oOne")
    await Follower.add(core, account_id=account.id, unionid="uOne")
    pairs = [("mobile", f"+861{number}") for number in ("3800138000", "3900139000", "3700137000", "3600136000", "0")]
    pairs += [("email", "A@B.cn"), ("wechat_id", "lina1"), ("credit_code", "91310000MA1FL00000")]
    pairs += [("account", "oOne"), ("unionid", "uOne")]
    found = await core.db.read(hard_matches(pairs))
    standing = ("lead", keep.id, keep.person_id)
    assert found["mobile", "+8613800138000"] == found["mobile", "+8613900139000"] == found["email", "A@B.cn"] == standing
    assert found["mobile", "+8613700137000"] == ("contact", contact.id, contact.person_id)
    assert found["mobile", "+8613600136000"][:2] == ("contact", contact.id)
    assert found["wechat_id", "lina1"][:2] == ("contact", contact.id)
    assert found["credit_code", "91310000MA1FL00000"] == ("customer", customer.id, None)
    assert found["account", "oOne"] == found["unionid", "uOne"] == standing
    assert ("mobile", "+8610") not in found


async def test_a_company_is_refused_a_second_record_however_it_is_written(core: Core) -> None:
    owner, asker = await make_employee(core, "小王"), await make_actor(core, "小陈")
    known: Customer = await Customer.add(core, name="东风机械有限公司", owner_id=owner.id)
    for name in ("东风机械", "东风机械公司", "东风机械股份有限公司", " 东风 机械（有限公司） "):
        with pytest.raises(matching.CustomerDuplicate) as refused:
            await matching.refuse_same_company(core, asker, name)
        assert refused.value.sentence() == "已有，归属：小王，没有重复建客户"
    with pytest.raises(matching.CustomerDuplicate) as shown:
        await matching.refuse_same_company(core, SYSTEM, "东风机械")
    assert shown.value.fields["id"] == known.id
    await matching.refuse_same_company(core, asker, "东风汽车")
    assert await matching.same_company(core, asker, "上海东风机械") is None
