"""The intents: what can be meant, what must be known for it, its short label and one example sentence.

The help text, the router and the questions for a missing slot are made from these declarations.
"""

from dataclasses import dataclass
from types import MappingProxyType

WHO = ("person", "company")
WHICH = ("person", "company", "ref")


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing a sentence can ask for; each group in `required` needs at least one of its slots."""

    name: str
    label: str
    example: str
    required: tuple[tuple[str, ...], ...] = ()

    def missing(self, slots: dict[str, object]) -> tuple[tuple[str, ...], ...]:
        """List the groups of must-have slots of which none is there."""
        return tuple(group for group in self.required if not any(slot in slots for slot in group))


_DECLARED = (
    Intent("log_follow_up", "记跟进", "昨天下午跟张伟通了电话，对报价基本认可，下周三再约他谈合同", (WHO,)),
    Intent("create_lead", "录线索", "新线索 云帆科技 李娜 13800000000 展会认识的 想要20台网关", (WHO,)),
    Intent("update_contact", "改资料", "张伟换号了，新电话13800000000", (("person",),)),
    Intent("show_contact", "看客户", "看下张伟的资料", (WHO,)),
    Intent("search", "找客户", "上海的客户有哪些"),
    Intent("list_tasks", "看待办", "今天要做什么"),
    Intent("set_reminder", "设提醒", "明天下午3点提醒我给张伟打电话", (("at",), ("action",))),
    Intent("complete_task", "完成待办", "第2条搞定了", (("ref", "person"),)),
    Intent("snooze_task", "推迟待办", "第3条推到明天下午2点", (("ref", "person"), ("at",))),
    Intent("list_pool", "看公海", "公海里上海的线索"),
    Intent("claim_lead", "领线索", "领取公海第3条", (WHICH,)),
    Intent("release_lead", "退公海", "把张伟放回公海，一直联系不上", (WHICH,)),
    Intent("transfer_lead", "转给同事", "把张伟转给李娜跟进", (WHICH, ("assignee",))),
    Intent("create_opportunity", "建商机", "给云帆科技建个商机 智能网关 50万 六成把握", (WHO,)),
    Intent("advance_opportunity", "推进商机", "云帆科技的商机推进到商务谈判", (WHO,)),
    Intent("win_opportunity", "赢单", "云帆科技赢单了 50万", (WHO,)),
    Intent("lose_opportunity", "丢单", "云帆科技丢单了 嫌贵", (WHO,)),
    Intent("show_funnel", "看漏斗", "本季度的销售漏斗"),
    Intent("show_performance", "看业绩", "我这个月业绩"),
    Intent("log_visit", "拜访打卡", "拜访打卡 云帆科技 张江路88号 送样品", (WHO,)),
    Intent("create_quote", "做报价", "给张伟出个报价 智能网关20台 单价1200 九折", (WHO,)),
    Intent("log_payment", "记回款", "云帆科技回款5万 银行转账", (WHO, ("amount",))),
    Intent("log_expense", "记费用", "报销交通费56元", (("amount",),)),
    Intent("submit_report", "交报告", "日报：今天拜访3家，回款2万", (("kind",),)),
    Intent("tag_contact", "打标签", "给张伟打上VIP标签", (WHO, ("tags",))),
    Intent("comment", "点评", "点评第2条：价格别再让了", (("ref", "person"), ("text",))),
    Intent("schedule_greeting", "发祝福", "中秋给所有VIP发祝福", (("holiday", "at", "birthday"),)),
    Intent("schedule_broadcast", "群发", "明天上午10点给上海的VIP群发新品上线通知", (("at", "now"), ("template",))),
    Intent("broadcast_status", "看群发", "上周群发的效果"),
    Intent("cancel_broadcast", "停群发", "取消群发#33"),
    Intent("handover", "接管会话", "接管张伟的会话", (("person", "release"),)),
    Intent("help", "帮助", "帮助"),
    Intent("cancel", "取消", "算了"),
    Intent("confirm", "确认", "对"),
    Intent("deny", "否认", "不是"),
    Intent("unknown", "没听懂", ""),
)
INTENTS = MappingProxyType({intent.name: intent for intent in _DECLARED})


def intent_of(name: str) -> Intent:
    """Return the declaration of an intent by its name; KeyError for an unknown one."""
    return INTENTS[name]
