"""Days by name, weekday, date and month: 今天, 下周三, 12月3号, 月底, 明年3月."""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from datetime import date, timedelta

from handlers.understanding.moments import DAY, MONTH, When
from handlers.understanding.numerals import read_small

Found = When | None
Maker = Callable[[re.Match[str], date], Found]

NAMED = {
    "大前天": -3,
    "大前儿": -3,
    "前儿": -2,
    "后儿": 2,
    "大后儿": 3,
    "寻日": -1,
    "琴日": -1,
    "听日": 1,
    "前天": -2,
    "前日": -2,
    "昨天": -1,
    "昨日": -1,
    "昨儿": -1,
    "昨": -1,
    "yesterday": -1,
    "今天": 0,
    "今日": 0,
    "今儿": 0,
    "今": 0,
    "today": 0,
    "明天": 1,
    "明日": 1,
    "明儿": 1,
    "明": 1,
    "tomorrow": 1,
    "tmr": 1,
    "后天": 2,
    "后日": 2,
    "大后天": 3,
    "前": -2,
    "后": 2,
}
SPANS = {0: "today", 1: "tomorrow", -1: "yesterday"}
WEEKDAYS = {sign: index for index, signs in enumerate(("一1", "二2", "三3", "四4", "五5", "六6", "日天7末")) for sign in signs}
ENGLISH_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TURNS = {"下下下": 3, "下下": 2, "下": 1, "上": -1, "上上": -2, "next ": 1, "last ": -1}
ORDINALS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5}
# What follows a number and 号 when it names a thing and not a day: 3号楼, 1号线.
NOT_A_DAY = "线楼门院栋库机馆店厅桌位柜仓井码车座室厂房区地坑段梯闸牌样产方案文设"


def add_months(day: date, months: int) -> date:
    """Move a day by whole months, clipped to the end of the month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def month_end(day: date) -> date:
    """Return the last day of a day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def place(match: re.Match[str]) -> tuple[int, int]:
    """Return the span of a match."""
    return match.start(), match.end()


def fixed(match: re.Match[str], day: date, tense: str = "") -> When:
    """Make a meaning of one certain day."""
    return When(*place(match), days=(day,), tense=tense)


def _named(match: re.Match[str], today: date) -> Found:
    shift = NAMED[match[0]]
    found = fixed(match, today + timedelta(days=shift), "past" if shift < 0 else "future" if shift > 0 else "")
    found.span = SPANS.get(shift) or (found.days[0], found.days[0])
    return found


def _monday(today: date) -> date:
    return today - timedelta(days=today.weekday())


def _weekday(match: re.Match[str], today: date) -> Found:
    turn, sign = match["turn"] or "", match["sign"]
    index = ENGLISH_DAYS.index(sign) if sign in ENGLISH_DAYS else WEEKDAYS[sign]
    if sign == "末":
        return _weekend(match, today, turn)
    this = _monday(today) + timedelta(days=index)
    if turn in TURNS:
        found = fixed(match, this + timedelta(weeks=TURNS[turn]), "past" if TURNS[turn] < 0 else "future")
        found.span, found.weekday = (found.days[0], found.days[0]), True
        return found
    days = tuple(this + timedelta(weeks=shift) for shift in (-1, 0, 1))
    lean = ("past" if this < today else "future" if this > today else "") if turn else ""
    return When(*place(match), days=days, skips_today=True, weekday=True, lean=lean, span=(this, this))


def _weekend(match: re.Match[str], today: date, turn: str) -> Found:
    saturday = _monday(today) + timedelta(days=5)
    if turn in TURNS:
        day = saturday + timedelta(weeks=TURNS[turn])
        found = fixed(match, day, "past" if TURNS[turn] < 0 else "future")
        found.span = (day, day + timedelta(days=1))
        return found
    this = max(saturday, today)
    return When(*place(match), days=(saturday - timedelta(weeks=1), this), span=(saturday, saturday + timedelta(days=1)))


def _week(match: re.Match[str], today: date) -> Found:
    turn = match["turn"] or match["turn2"]
    if turn in TURNS:
        weeks = TURNS[turn]
        monday = _monday(today) + timedelta(weeks=weeks)
        found = fixed(match, monday, "past" if weeks < 0 else "future")
        found.span = {1: "next_week", -1: "last_week"}.get(weeks) or (monday, monday + timedelta(days=6))
        return found
    return When(*place(match), span="this_week", only_span=True)


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def impossible(match: re.Match[str]) -> When:
    """Mark a day that does not exist: no time at all, and its parts are none either."""
    return When(*place(match), impossible=True)


def year_of(text: str | None, today: date) -> int | None:
    """Read 明年 or 2027年; None when no year was said."""
    if not text:
        return None
    relative = {"今年": 0, "明年": 1, "后年": 2, "去年": -1, "前年": -2, "本年": 0}
    if text in relative:
        return today.year + relative[text]
    year = read_small(text.removesuffix("年"))
    if year is None:
        return None
    return year + 2000 if year < 100 else year


def tense_of(day: date, today: date) -> str:
    """Tell on which side of today a certain day lies."""
    return "past" if day < today else "future" if day > today else ""


def _date(match: re.Match[str], today: date) -> Found:
    if match["day"].startswith(("廿", "卅")):
        # Only lunar days are said so.
        return None
    month, day = read_small(match["month"]), read_small(match["day"])
    if not month or not day:
        return impossible(match)
    year = year_of(match["year"], today)
    if year is not None:
        exact = _valid(year, month, day)
        return one_day(match, exact, today) if exact else impossible(match)
    days = tuple(found for shift in range(-4, 5) if (found := _valid(today.year + shift, month, day)))
    if not days:
        return impossible(match)
    near = min(days, key=lambda found: abs((found - today).days))
    return When(*place(match), days=days, span=(near, near))


def one_day(match: re.Match[str], day: date, today: date) -> When:
    """Make a meaning of one certain day that is also a range."""
    found = fixed(match, day, tense_of(day, today))
    found.span = (day, day)
    return found


def _slash(match: re.Match[str], today: date) -> Found:
    # "1/3" may be a third: without an hour behind it only a day that cannot be a denominator in use counts.
    day = read_small(match["day"]) or 0
    return _date(match, today) if match["clock"] or day > 10 else None


def _day_of_month(match: re.Match[str], today: date) -> Found:
    number = read_small(match["day"])
    if not number or number > 31:
        return impossible(match)
    turn = match["turn"]
    if turn:
        shift = {"这": 0, "本": 0, "当": 0}.get(turn, TURNS.get(turn, 0))
        first = add_months(today.replace(day=1), shift)
        exact = _valid(first.year, first.month, number)
        if exact is None:
            return impossible(match)
        return one_day(match, exact, today)
    months = (add_months(today.replace(day=1), shift) for shift in range(-3, 4))
    days = tuple(found for first in months if (found := _valid(first.year, first.month, number)))
    return When(*place(match), days=days, span=(days[0], days[0]) if len(days) == 1 else None)


def turned_month(turn: str | None, today: date) -> date | None:
    """Return the first day of 本月, 下个月, 上个月; None when no such word was said."""
    if not turn:
        return None
    return add_months(today.replace(day=1), {"这": 0, "本": 0, "当": 0}.get(turn, TURNS.get(turn, 0)))


TURN = r"(?P<turn>下下|(?<!一)下|上上|上|这|本|当)"
YEAR = r"(?P<year>今年|明年|后年|去年|前年|本年|20\d\d年|二零[一二三四五六七八九零]{2}年)"
WEEK = r"(?:个)?(?:周|礼拜|星期)"
# A number behind which 号 may be left out must not count something.
NO_UNIT = r"(?![\d.个天日号%折万千百元块台家人条单:/点月年周]|\s?个)"
NO_THING = rf"(?![{NOT_A_DAY}])"

RULES: tuple[tuple[re.Pattern[str], Maker], ...] = tuple(
    (re.compile(pattern), maker)
    for pattern, maker in (
        (
            r"大前[天儿]|大后[天儿]|(?<![以然之最往])(?:后天|后日|后儿)(?!天)|(?<![以之])(?:前天|前日|前儿)|[寻琴听]日(?!子)|"
            r"[昨今明](?:天|日(?!头条|新)|儿(?!子))"
            r"|[昨今明](?=早|晚|夜|晨|上午|中午|下午)|(?<![一-龥])[前后](?=晚)|(?<![a-z])(?:today|"
            r"tomorrow|tmr|yesterday)(?![a-z])",
            _named,
        ),
        # A weekday is none when it counts something: 一周三次, 周三家.
        (
            r"(?P<turn>下下下|下下|(?<!一)下|上上|上|这|本)?(?:一个|一)?(?<![\d一二两三四五六七八九十几半每])"
            + WEEK
            + r"(?P<sign>[一二三四五六日天末]|[1-7](?![\d.:点年个月天号%]))(?![次遍趟]|回(?![访复电来去款信头他她]))",
            _weekday,
        ),
        (
            r"(?P<turn>下下|下|上上|上|这|本)"
            + WEEK
            + r"[\s的]*(?:周|礼拜|星期)(?P<sign>[一二三四五六日天末])(?![次遍趟]|回(?![访复电来去款信头他她]))",
            _weekday,
        ),
        (rf"(?<![a-z])(?P<turn>next |last |this )?(?P<sign>{'|'.join(ENGLISH_DAYS)})(?![a-z])", _weekday),
        (
            r"(?P<turn>下下|(?<!一)下|上上|上|这|本)(?:一)?"
            + WEEK
            + r"(?![报边转刊])|(?<![a-z])(?P<turn2>next |last |this )week",
            _week,
        ),
        (
            rf"(?<![\d.个每])(?:{YEAR}的?)?(?P<month>{MONTH})月(?:份)?(?P<day>{DAY})(?:[号日]{NO_THING}|"
            rf"{NO_UNIT})",
            _date,
        ),
        (r"(?<![\d./-])(?P<year>20\d\d)[-/.](?P<month>1[0-2]|0?[1-9])[-/.](?P<day>[0-3]?\d)(?![\d./-])[日号]?", _date),
        (r"(?<![\d./#a-z-])(?P<year>)(?P<month>1[0-2]|0?[1-9])[/.](?P<day>[0-3]?\d)[号日]", _date),
        (
            r"(?<![\d./#a-z-])(?P<year>)(?P<month>1[0-2]|[1-9])\.(?P<day>[0-3]?\d)(?![\d.])"
            r"(?=\s?(?:[早晚]上|[上中下]午|傍晚|\d{1,2}(?::\d\d|点)))",
            _date,
        ),
        (
            r"(?<![\d./#a-z-])(?P<year>)(?P<month>1[0-2]|[1-9])/(?P<day>[0-3]?\d)(?![\da-z/%.-])"
            r"(?=(?P<clock>\s?(?:[早晚]上|[上中下]午|傍晚|\d{1,2}[:点]|再|去|给|约|回访|跟进|联系|见面|拜访|上门|签|交[货付]|打给|送|出方案|开会))?)",
            _slash,
        ),
        (
            rf"(?:{TURN}(?:个)?月(?:份)?\s?的?|(?<![\d.#路街弄巷道村第a-z区零一二三四五六七八九十百每农历月]))"
            rf"(?P<day>\d{{1,3}}|{DAY})[号日]{NO_THING}",
            _day_of_month,
        ),
        (rf"{TURN}(?:个)?月(?:份)?\s?的?(?P<day>{DAY}){NO_UNIT}", _day_of_month),
    )
)


# Signs of which a text must hold one before a rule of `RULES`, in their order, can fit: most rules need not be tried.
NEEDED = tuple(
    map(frozenset, ("今明昨前后听寻琴tyTY", "周礼星", "周礼星", "yY", "周礼星wW", "月", "-/.", "/.", ".", "/", "号日", "月"))
)


def find_days(text: str, today: date) -> Iterable[When]:
    """Find all day expressions; overlapping ones included, the caller keeps the longest."""
    signs = frozenset(text)
    for (pattern, maker), needed in zip(RULES, NEEDED, strict=True):
        if needed.isdisjoint(signs):
            continue
        for match in pattern.finditer(text):
            found = maker(match, today)
            if found is not None:
                yield found
