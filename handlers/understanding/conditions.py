"""What selects customers: region, tags, stage, level, kind, owner, days without contact."""

import re
from decimal import Decimal
from functools import cache
from importlib.resources import files

from handlers.understanding.audience import Audience, read_audience
from handlers.understanding.durations import NUMBER
from handlers.understanding.mentions import Sentence
from handlers.understanding.numerals import read_number
from handlers.understanding.stages import STAGED, STRONG, find_stage

DAYS_OF = {"天": 1, "日": 1, "周": 7, "星期": 7, "礼拜": 7, "月": 30, "年": 365}
INACTIVE = re.compile(
    rf"(?:超过|已经|都|有|近|最近|连续|至少)*(?P<number>{NUMBER})\s?个?(?P<unit>天|"
    rf"日|周|星期|礼拜|月|年)(?:以上|多|内|都|了|以来)*(?:没有?|未|无)(?:有)?(?:联系|"
    rf"跟进|回访|拜访|互动|联络|沟通|动静|来往|下单|成交|动|理)(?:过|了)?"
)
TAG_WORDS = r"[^\s,，。、的给发和跟与]{1,12}"
TAGGED = (
    re.compile(
        rf"标签(?:是|为|有|里有|带有?|包含|含|叫|=|:|：)+[“\"「']?(?P<tags>{TAG_WORDS}?(?:(?:和|"
        rf"、|跟|与|或){TAG_WORDS}?)*)[”\"」']?(?=的|[\s,，。”\"」]|$)"
    ),
    re.compile(rf"标签(?:是|为|有|里有|包含|含|=|:|：)+[“\"「']?(?P<tags>{TAG_WORDS}?)[”\"」']?(?=客户|人|发|群)"),
    re.compile(
        rf"(?:带有?|有|打了?|贴了?|含|加了?)(?:上|了|着)?[“\"「']?(?P<tags>{TAG_WORDS}?(?:(?:和|"
        rf"、|跟|与){TAG_WORDS}?)*)[”\"」']?(?:这个|的)?标签"
    ),
    re.compile(
        r"(?:^|[\s,，给]|所有|全部)(?:请|帮我|帮忙|麻烦|筛选?|找|查|搜|列|看|挑|选|出|一?下|带|有|哪些|把)*[“\"「']?(?P<tags>[^\s,，。、的给发]{1,8}?)[”\"」']?(?:这个|"
        r"的)?标签(?=的|客户|下|里|$)"
    ),
)
SPLIT = re.compile(r"(?:[、,，\s和与或/|；;“”\"'「」]|跟(?![进踪单投])|及(?!时))+")
LEVELS = (
    ("vip", re.compile(r"vip|贵宾")),
    ("key", re.compile(r"重点客户|重点的?客户|关键客户|(?<![a-z])kp(?![a-z])|重点")),
    ("normal", re.compile(r"普通客户|一般客户|普通级")),
)
EVERY_CUSTOMER = re.compile(r"(?:所有|全部|全体|每个|每位|各位|全|整个)的?客户")
LEADS = re.compile(r"线索|潜客|潜在客户|(?<![a-z])leads?(?![a-z])")
MINE = re.compile(
    r"我的?(?:所有|全部)?的?(?:[^,，。\s]{0,6}?)客户|我名下|我负责|我手(?:上|里|"
    r"头)|我跟(?:进)?的|我自己的|"
    r"(?<=[给对向])(?:名下|手[上里头]|自己)的?[^,，。\s]{0,6}?(?:客户|线索)"
)
OLD_CUSTOMER = re.compile(r"老客户|老顾客|老会员")


@cache
def _regions() -> re.Pattern[str]:
    words = files("handlers.understanding").joinpath("words/regions.txt").read_text(encoding="utf-8").split()
    return re.compile("|".join(sorted(set(words), key=len, reverse=True)))


def find_region(text: str) -> str | None:
    """Return the first region named in a text, as said."""
    match = _regions().search(text)
    return match[0] if match else None


def split_tags(text: str) -> list[str]:
    """Split words that name several tags."""
    return [tag for tag in SPLIT.split(text) if tag]


def find_tags(sentence: Sentence) -> list[str]:
    """Return the tags by which customers are selected, as said."""
    for pattern in TAGGED:
        match = pattern.search(sentence.skeleton)
        if match:
            start, end = match.span("tags")
            return split_tags(sentence.raw[sentence.at(start) : sentence.at(end)])
    old = OLD_CUSTOMER.search(sentence.skeleton)
    return [old[0]] if old else []


def inactive_days(text: str) -> int | None:
    """Return the number of days without contact that a text names."""
    match = INACTIVE.search(text)
    if match is None:
        return None
    number = Decimal("0.5") if match["number"] == "半" else read_number(match["number"])
    if number is None:
        return None
    days = 180 if (match["number"], match["unit"]) == ("半", "年") else int(number * DAYS_OF[match["unit"]])
    return days if days <= 3660 else None


def read_segment(sentence: Sentence) -> dict[str, object]:
    """Read the segment object of a broadcast or a greeting."""
    text = sentence.skeleton
    found: dict[str, object] = {}
    if tags := find_tags(sentence):
        found["tags"] = tags
    bare = re.sub(r"vip\s?的?标签|标签[^,，\s]*", "", text)
    if region := find_region(text):
        found["region"] = region
    if stage := find_stage(text):
        found["stage"] = stage
    for level, pattern in LEVELS:
        if pattern.search(bare) and "vip" not in [str(tag).lower() for tag in tags]:
            found["level"] = level
            break
    if (days := inactive_days(sentence.plain)) is not None:
        found["inactive_days"] = days
    if MINE.search(text):
        found["owner"] = "me"
    elif EVERY_CUSTOMER.search(text):
        found["kind"] = "customer"
    if LEADS.search(text):
        found["kind"] = "lead"
    if query := _audience(sentence).query:
        found["query"] = query
    return found


def _audience(sentence: Sentence) -> Audience:
    """Read the rest of whom a sentence names, beside what the other conditions took."""
    patterns = [*TAGGED, _regions(), INACTIVE, OLD_CUSTOMER, STAGED, STRONG, *(pattern for _, pattern in LEVELS)]
    spans = [match.span() for pattern in patterns for match in pattern.finditer(sentence.skeleton)]
    return read_audience(sentence, spans)


def holds_all(sentence: Sentence) -> bool:
    """Tell whether the segment of a sentence holds every condition that was said."""
    return _audience(sentence).held
