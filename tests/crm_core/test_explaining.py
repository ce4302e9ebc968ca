"""The reason for a segment: condition by condition, with the fact behind each, for people one may see."""

from datetime import timedelta

import pytest

from crm_core import conversion, explaining, segments
from crm_core.access import Role
from crm_core.activities import FollowUp
from crm_core.conversations import Message
from crm_core.customers import Customer
from crm_core.errors import NotFound, Refused
from tests.factories import SYSTEM, make_actor, make_customer_account, make_lead

EVERYTHING = {
    "tags": ["VIP"],
    "all": [
        {"region": "上海"},
        {"inactive_days": 3},
        {"level": "vip"},
        {"not": {"field": "mobile", "is": "missing"}},
        {
            "any": [
                {"field": "score", "is": ">=", "value": 60},
                {"field": "created", "is": "within_days", "value": 7},
                {"field": "industry", "is": "in", "value": ["制造业", "零售"]},
            ]
        },
        {"did": "wrote", "word": "网关", "within_days": 30},
        {"did": "followed_up", "times": 2},
        {"did": "followed"},
        {"did": "bought"},
        {"reachable": "wechat", "within_hours": 48},
        {"tag": "VIP", "set_by": "hand"},
    ],
}


async def test_each_condition_with_its_fact(core, clock):
    lead = await make_lead(core, region="上海", score=70, mobile="13800138000")
    await segments.add_tags(core, SYSTEM, lead.person_id, ["VIP"])
    account = await make_customer_account(core, lead, last_inbound_at=clock.now())
    await Message.add(
        core,
        channel="wechat",
        external_account="o",
        account_id=account.id,
        direction="in",
        kind="text",
        text="网关多少钱",
        at=clock.now(),
        status="done",
        key="k",
    )
    await FollowUp.add(core, subject_kind="lead", subject_id=lead.id, person="x", at=clock.now() - timedelta(days=1))
    segment = await segments.create_segment(core, SYSTEM, name="全部", conditions=EVERYTHING)
    told = await explaining.why(core, SYSTEM, segment, lead.person_id)
    assert not told.selected
    assert [reason.line() for reason in told.reasons] == [
        "✓ 标签有VIP（VIP）",
        "✗ 同时满足：",
        "　✓ 地区含上海（上海）",
        "　✗ 3天没跟进（未填）",
        "　✓ VIP客户（VIP）",
        "　✓ 不满足：",
        "　　✗ 手机未填（已填）",
        "　✓ 满足其一：",
        "　　✓ 评分至少60（70）",
        "　　✓ 录入在7天内（今天）",
        "　　✗ 行业是其中之一制造业、零售（没有这一项）",
        "　✓ 30天内发过消息「网关」（共1次，最近2026-11-25）",
        "　✗ 被跟进过2次以上（共1次，最近2026-11-24）",
        "　✗ 关注过（没有过）",
        "　✗ 成交过（没有过）",
        "　✓ wechat 可触达，48小时内来过消息（最近来消息：今天）",
        "　✓ 有手动标签VIP（VIP）",
    ]


async def test_of_a_contact_the_customer_and_the_lead_are_asked(core):
    lead = await make_lead(core, company="云帆", source="展会")
    customer, contact = await conversion.convert(core, SYSTEM, lead.id)
    await Customer.filter(id=customer.id).update(grade="A")
    conditions = {
        "all": [
            {"field": "grade", "is": "=", "value": "A"},
            {"field": "source", "is": "=", "value": "展会"},
            {"custom": "兴趣", "is": "missing"},
            {"did": "bought"},
        ]
    }
    segment = await segments.create_segment(core, SYSTEM, name="x", conditions=conditions)
    told = await explaining.why(core, SYSTEM, segment, contact.person_id)
    facts = {reason.condition: (reason.holds, reason.fact) for reason in told.reasons}
    assert facts["等级是A"] == (True, "A")
    assert facts["来源是展会"] == (True, "展会")
    assert facts["兴趣未填"] == (True, "未填")
    assert told.selected is False


async def test_only_of_people_one_may_see(core):
    owner, other = await make_actor(core, "小王", Role.MANAGER), await make_actor(core, "小李", Role.MANAGER)
    lead = await make_lead(core, owner_id=owner.employee_id)
    segment = await segments.create_segment(core, SYSTEM, name="x", conditions={})
    assert (await explaining.why(core, owner, segment, lead.person_id)).selected
    with pytest.raises(NotFound):
        await explaining.why(core, other, segment, lead.person_id)


def test_a_condition_in_words():
    assert explaining.describe({}) == "全部"
    assert explaining.describe({"region": "上海", "not": {"did": "wrote", "within_days": 7}}) == "地区含上海、7天内发过消息"


async def test_a_token_is_told_only_what_it_may_read(core):
    lead = await make_lead(core, region="上海")
    boss = await make_actor(core, "陈经理", Role.ADMIN)
    segment = await segments.create_segment(core, boss, name="上海", conditions={"region": "上海"})
    narrow = boss.narrowed(frozenset({"segments:read", "leads:read"}))
    with pytest.raises(Refused):
        await explaining.why(core, narrow, segment, lead.person_id)
