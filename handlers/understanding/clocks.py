"""Hours of the day: 下午3点, 晚上8点半, 15:30, 三点一刻, 凌晨两点, 早上, 9am."""

import re
from collections.abc import Iterable

from handlers.understanding.moments import Clock, When
from handlers.understanding.numerals import read_small

MORNING, NOON, AFTERNOON, EVENING, NIGHT, DAWN = "morning", "noon", "afternoon", "evening", "night", "dawn"
PERIODS: dict[str, tuple[str, int]] = {
    **dict.fromkeys(("凌晨",), (DAWN, 0)),
    **dict.fromkeys(
        ("清晨", "清早", "一大早", "大清早", "大早上", "早晨", "早上", "早间", "上午", "早", "晨", "a.m.", "am"), (MORNING, 9)
    ),
    **dict.fromkeys(("中午", "正午", "午间"), (NOON, 12)),
    **dict.fromkeys(("下午", "午后", "p.m.", "pm"), (AFTERNOON, 14)),
    **dict.fromkeys(("傍晚", "黄昏"), (EVENING, 18)),
    **dict.fromkeys(("晚上", "晚间", "夜晚", "晚", "tonight"), (EVENING, 20)),
    **dict.fromkeys(("夜里", "半夜", "深夜", "午夜", "夜"), (NIGHT, 20)),
}
# A dawn without an hour says no hour.
NEEDS_HOUR = (DAWN, NIGHT)
# 早 and 晚 stand for a part of the day only right after a day: 明早, 周五晚8点.
SHORT = (
    r"(?<=[今明昨前后天日号每一二三四五六末夕])[早晚](?=\s?(?:\d|[一二两三四五六七八九十]{1,3}[点:]))|"
    r"(?<=[今明昨前后每])[早晚夜](?![点饭会宴餐班上])"
)
PERIOD = (
    rf"(?:{'|'.join(sorted((word for word in PERIODS if len(word) > 1 and word.isascii() is False), key=len, reverse=True))}|"
    rf"(?<![a-z])tonight|{SHORT})"
)
HOUR = r"(?:\d{1,3}|二十[一二三四五]?|十[一二三四五六七八九]?|[零一二两三四五六七八九])"
MINUTE = r"(?:[0-5]?\d|[二三四五]?十[一二三四五六七八九]?|零?[一二三四五六七八九])"
TO = r"(?:-|~|到|至)"
POINTED = re.compile(
    rf"(?:(?P<period>{PERIOD})\s?的?)?(?<![第\d.:零一二三四五六七八九十百千万差])(?P<hour>{HOUR})(?:{TO}{HOUR})?\s?"
    rf"(?:点钟?|时(?=\d|半|整|[^\w]|$))(?:(?P<half>半)|(?P<whole>整)|(?P<quarter>[一1三3两])刻|"
    rf"差(?P<less>{MINUTE}|一刻)分?|过?(?P<minute>{MINUTE})(?P<minute_unit>分?)(?!\d))?"
    r"(?P<pm>\s?[ap]m)?"
)
SHORT_OF = re.compile(rf"(?:(?P<period>{PERIOD})\s?的?)?差(?P<less>{MINUTE}分钟?|一刻钟?)到?(?P<hour>{HOUR})点钟?")
COLON = re.compile(
    rf"(?:(?P<period>{PERIOD})\s?的?)?(?<![\d:.])(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::\d{{2}})?(?![\d:])(?P"
    rf"<pm>\s?[ap]m)?"
)
ENGLISH = re.compile(r"(?<![\d.a-z])(?P<hour>\d{1,2})\s?(?P<pm>[ap]\.?m)(?![a-z])")
ALONE = re.compile(PERIOD)
# The sign of a weekday, which is no part of the hour behind it: 周三三点.
HOUR_BEHIND = r"(?=\s?(?:\d{1,2}|[一二两三四五六七八九十]{1,3})[点时:])"
WEEKDAY_SIGN = re.compile(
    rf"(?:每周|每星期|每礼拜)[一二三四五六]{{2,6}}{HOUR_BEHIND}|(?:周|星期|礼拜)[一二三四五六1-6]{HOUR_BEHIND}"
)
# Three points of something are no hour.
POINTS_OF = "意见建议要求问题原因想法反馈需求疑问考虑顾虑不足内容体会希望说明条件优势感受结论诉求担心理由优点缺点好处"
COUNTED = frozenset(POINTS_OF[index : index + 2] for index in range(0, len(POINTS_OF), 2))
DECIMAL_SIGNS = "零一二三四五六七八九0123456789"
# "还有两点要改": said of a list.
LISTS = re.compile(r"(?:有|提了|提出|列了|讲了|说了|这|那)$")
# "快一点", "有一点": a degree and no hour.
DEGREE_BEFORE = "有早晚快慢多少大小好差高低贵便宜这那近远再简单稍微便"
# Where "一点" without a day or part of day still means one o'clock.
AFTER_ONE = re.compile(r"\s?(?:半|整|钟|开会|提醒|叫|见|到|在|去|前|之前|左右|的(?:会|飞机|火车|高铁))")


def _hour(hour: int, minute: int, period: str | None, *, written: bool = False) -> Clock | None:
    """Settle the hour; `written` is a two-digit hour with a colon or a zero, taken as it stands."""
    kind = PERIODS[period.strip()][0] if period else ""
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    if hour == 24:
        return (1, 0, 0)
    if kind in {EVENING, NIGHT} and hour == 12:
        return (1, 0, minute)
    if kind == EVENING and 1 <= hour <= 4:
        return (1, hour, minute)
    if kind == DAWN and hour == 12:
        return (0, 0, minute)
    later = (kind == AFTERNOON and hour < 12) or (kind == EVENING and 4 < hour < 12) or (kind == NIGHT and 6 <= hour < 12)
    later = later or (kind == NOON and 1 <= hour <= 3) or (not kind and not written and 1 <= hour <= 6)
    return (0, hour + 12 if later else hour, minute)


def _minutes(match: re.Match[str]) -> int | None:
    groups = match.groupdict()
    if groups.get("half"):
        return 30
    if groups.get("quarter"):
        return {"一": 15, "1": 15, "两": 30}.get(groups["quarter"], 45)
    if groups.get("minute"):
        return read_small(groups["minute"])
    return 0


def _is_no_time(match: re.Match[str], text: str) -> bool:
    """Tell decimals, points of a list and degrees from hours."""
    minute = match["minute"]
    if minute and not match["minute_unit"] and len(minute) == 1 and minute in DECIMAL_SIGNS:
        return True
    if match["period"]:
        return False
    if match["hour"] == "一" and not (match["half"] or match["minute"] or match["whole"] or match["quarter"]):
        before = text[match.start() - 1 : match.start()]
        return bool(before and before in DEGREE_BEFORE) or AFTER_ONE.match(text, match.end()) is None
    return False


def _pointed(text: str) -> Iterable[When]:
    for match in POINTED.finditer(text):
        hour, minute = read_small(match["hour"]), _minutes(match)
        if hour is None or minute is None:
            continue
        found = When(match.start(), match.end())
        if _is_no_time(match, text):
            minute_said = match["minute"]
            found.doubtful = not minute_said
            found.impossible = bool(minute_said)
        elif not match["period"] and (text[match.end() : match.end() + 2] in COUNTED or LISTS.search(text, 0, match.start())):
            found.doubtful = True
        clock = _hour(hour, minute, match["period"] or match["pm"], written=match["hour"].startswith("0"))
        if clock and match["less"]:
            clock = _earlier(clock, 15 if match["less"] == "一刻" else read_small(match["less"]) or 0)
        found.clock = clock
        found.impossible = found.impossible or clock is None
        yield found


def _earlier(clock: Clock, minutes: int) -> Clock:
    total = clock[0] * 1440 + clock[1] * 60 + clock[2] - minutes
    return (total // 1440, total % 1440 // 60, total % 60)


def _short_of(text: str) -> Iterable[When]:
    for match in SHORT_OF.finditer(text):
        less = 15 if match["less"].startswith("一刻") else read_small(match["less"].rstrip("分钟")) or 0
        clock = _hour(read_small(match["hour"]) or 0, 0, match["period"])
        if clock is not None:
            yield When(match.start(), match.end(), clock=_earlier(clock, less))


def _written(text: str) -> Iterable[When]:
    for match in COLON.finditer(text):
        clock = _hour(
            int(match["hour"]), int(match["minute"]), match["period"] or match["pm"], written=match["hour"].startswith("0")
        )
        yield When(match.start(), match.end(), clock=clock, impossible=clock is None)
    for match in ENGLISH.finditer(text):
        clock = _hour(int(match["hour"]), 0, match["pm"].replace(".", ""))
        yield When(match.start(), match.end(), clock=clock, impossible=clock is None)


def find_clocks(text: str) -> Iterable[When]:
    """Find all hours and parts of the day; the caller keeps the longest of overlapping ones."""
    text = WEEKDAY_SIGN.sub(lambda match: "日" * len(match[0]), text)
    yield from _pointed(text)
    yield from _short_of(text)
    yield from _written(text)
    for match in ALONE.finditer(text):
        kind, hour = PERIODS[match[0]]
        if kind not in NEEDS_HOUR or match[0] == "夜":
            yield When(match.start(), match.end(), clock=(0, hour, 0))
