"""The slots of looking for customers and of looking into the pool."""

import re
from datetime import datetime

from handlers.understanding.clauses import trim
from handlers.understanding.conditions import INACTIVE, OLD_CUSTOMER, TAGGED, find_region, find_tags
from handlers.understanding.mentions import COMPANY, MARKS, TIME, Sentence
from handlers.understanding.stages import ANY, find_stage, stage_named
from handlers.understanding.tasks import range_of

EXPLICIT = re.compile(r"(?:搜索?|检索|查找|查询|关键词|关键字|找找)+(?:一下|一搜|下|个|到)?[\s:：,，]*(?P<query>[^,，。?？]+)")
# Words of the asking; what is left of the sentence is what is looked for.
ASKING = re.compile(
    r"打开|进入|显示|展示|浏览|翻翻|瞧瞧|瞅瞅|请|帮我|帮忙|麻烦|给我|我想|我要|想|能不能|可以|看看|看一下|看下|看|查看|"
    r"查找|查询|查一下|查下|查|搜索|搜一下|搜下|搜|检索|找一下|找下|找出|找|筛选|"
    r"筛|列出来|列一下|列出|列|挑出|挑|导出|有没有|有哪些|哪些|哪几个|有什么|有啥|"
    r"都有谁|有谁|多少个|多少|几个|什么|"
    r"公海里面|公海里|公海池|公海|线索池|里面|里头|我的|我名下|名下|我|所有|全部|"
    r"都|还|有|没有|的|客户|线索|联系人|公司|名单|列表|清单|人|出来|一下|里|上|"
    r"在|是|做|搞|从事|相关|方面|行业|领域|属于|关于|新增|新来|新进|新|未领取|"
    r"可领|能领|可以领|呢|吗|啊|吧|下|了|给|把|带|那些|这些|这|那|个|谁|vip标签|"
    r"标签|阶段|单|区域|地区|可|能|领|情况|随便|处于|到"
)


# Asking words stand around what is looked for; inside it they belong to its name (智能家居).
ASKED_ENDS = re.compile(rf"^(?:{ASKING.pattern})+|(?:{ASKING.pattern})+$")


# "哪些客户在谈判": where deals are at, although no stage is called one.
IN_STAGE = re.compile(rf"(?:在|处于|正在?)(?P<name>{ANY})")


def _conditions(sentence: Sentence, now: datetime) -> dict[str, object]:
    slots: dict[str, object] = {}
    if tags := find_tags(sentence):
        slots["tags"] = tags
    slots["region"] = find_region(sentence.skeleton)
    in_stage = IN_STAGE.search(sentence.skeleton)
    slots["stage"] = find_stage(sentence.skeleton) or (stage_named(in_stage["name"]) if in_stage else None)
    return slots


def _left_over(sentence: Sentence, slots: dict[str, object]) -> str | None:
    """Words that are no condition and no asking."""
    text = INACTIVE.sub(" ", sentence.skeleton)
    for pattern in TAGGED:
        text = pattern.sub(" ", text)
    text = OLD_CUSTOMER.sub(" ", text)
    for value in (slots.get("region"), "需求确认", "方案报价", "报价", "谈判", "合同", "赢单", "输单", "丢单", "成交"):
        if isinstance(value, str) and (value == slots.get("region") or slots.get("stage")):
            text = text.replace(value.lower(), " ")
    text = re.sub(rf"[{''.join(MARKS)}]", " ", text)
    words_said = re.split(r"[\s,，。.?？!！、:：]+", text)
    pieces = [piece for piece in (ASKED_ENDS.sub("", each) for each in words_said) if piece]
    longest = max(pieces, key=len, default="")
    return _as_said(sentence, longest) if len(longest) >= 2 else None


def _as_said(sentence: Sentence, plain: str) -> str:
    place = sentence.plain.find(plain)
    return sentence.raw[place : place + len(plain)] if place >= 0 else plain


def _query(sentence: Sentence, slots: dict[str, object]) -> str | None:
    match = EXPLICIT.search(sentence.skeleton)
    if (
        match
        and not (slots.get("region") or slots.get("stage") or slots.get("tags"))
        and not re.search(r"客户|线索|的人", match["query"])
    ):
        start, end = match.span("query")
        said = trim(sentence.raw[sentence.at(start) : sentence.at(end)])
        return re.sub(r"^(?:一?下|关于|有关)|(?:相关的?|的)$", "", said) or None
    return _left_over(sentence, slots)


def read_search(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a search."""
    slots = _conditions(sentence, now)
    slots["range"] = range_of(sentence, now, forward=False)
    if inactive := INACTIVE.search(sentence.plain):
        # A search has no slot for days without contact: it is kept in the speaker's words.
        slots["range"], slots["query"] = None, sentence.raw[inactive.start() : inactive.end()]
        return slots
    if not any(slots.values()) or EXPLICIT.search(sentence.skeleton):
        slots["query"] = _query(sentence, slots)
    else:
        slots["query"] = _left_over(sentence, slots)
    return slots


def read_pool(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a look into the pool."""
    slots: dict[str, object] = {"region": find_region(sentence.skeleton)}
    query = _query(sentence, slots)
    if query and TIME not in query:
        slots["query"] = query
    elif not slots["region"] and (named := sentence.of(COMPANY)):
        slots["query"] = named[0].value
    return slots
