"""All times of a sentence: found, kept apart from what only looks like one, and joined ("周五" + "下午" + "3点")."""

import re
from datetime import date, datetime, timedelta

from crm_core.clock import to_local
from handlers.understanding.clocks import find_clocks
from handlers.understanding.days import find_days
from handlers.understanding.durations import find_durations
from handlers.understanding.feasts import find_feasts
from handlers.understanding.mentions import TIME, Mention, Sentence
from handlers.understanding.moments import COUNT, Span, When, ahead, behind
from handlers.understanding.months import find_months
from handlers.understanding.names import single_surnames
from handlers.understanding.normal import normalise
from handlers.understanding.numerals import read_small
from handlers.understanding.repeats import find_repeats

_SURNAMES = "".join(sorted(single_surnames() - frozenset("年时和从于向离过双全后")))
# 刚 as a word of time, not in 刚好, 刚需.
# A given name that ends in 刚: 李刚, 尤小刚, 王志刚.
NAMED_GANG = rf"(?<!(?<![小老])[{_SURNAMES}])(?<![{_SURNAMES}][志小建永文国晓海金大立卫德玉春])"
JUST_NOW = re.compile(rf"刚刚(?!好)|刚才|{NAMED_GANG}刚(?![好需性毅果强烈劲直健巧柔子开入起])|(?<![a-z])just now(?![a-z])|方才")
AT_ONCE = re.compile(r"马上|立刻|立即|即刻|现在(?![是任当做在用的])就?|此刻|这就|(?<![a-z])(?:right )?now(?![a-z])")
GAP = re.compile(r"[\s,的(（、]{0,3}$")
IMPOSSIBLE_PART = re.compile(r"(?:\d{1,3}|[零一二两三四五六七八九十]{1,3})\s?[点时:：].*$")
TO = re.compile(r"\s?(?:到|至|-|~)\s?$")
BACK = re.compile(rf"的?(?:提)?前(?P<days>{COUNT})[天日]")
# Words that only frame a time and go with it.
TRAIL = re.compile(
    r"\s?(?:的?时候|左右|前后|之前|以前|前(?![台期面天端所往景男女任身]|提(?!醒))|之间|"
    r"之后|以后|后(?![天续面台期端来勤备悔果半])|许|那天|当天|[)）])"
)


def _longest(found: list[When]) -> list[When]:
    """Of overlapping readings keep the earliest longest, in the order of the text."""
    kept: list[When] = []
    for when in sorted(found, key=lambda each: (each.start - each.end, each.start)):
        if all(when.end <= other.start or when.start >= other.end for other in kept):
            kept.append(when)
    return sorted(kept, key=lambda each: each.start)


def _instants(text: str) -> list[When]:
    found = [When(match.start(), match.end(), just_now=True, tense="past") for match in JUST_NOW.finditer(text)]
    found += [When(match.start(), match.end(), at_once=True) for match in AT_ONCE.finditer(text)]
    return found


def _join(first: When, second: When, text: str) -> When | None:
    """Join two neighbours into one meaning; None when they stay apart."""
    gap = text[first.end : second.start]
    if first.only_span and not first.days:
        return None
    if TO.fullmatch(gap) and not first.just_now:
        return _range(first, second)
    if not GAP.fullmatch(gap) or second.just_now or first.just_now:
        return None
    has_day = bool(first.days or first.repeat)
    if has_day and second.impossible and second.clock is None and not second.days:
        joined = first.moved(first.start, second.end)
        joined.impossible = True
        return joined
    if has_day and first.clock is None and second.clock is not None and not second.days and not second.repeat:
        joined = first.moved(first.start, second.end)
        joined.clock, joined.until = second.clock, second.until
        joined.impossible = first.impossible or second.impossible
        return joined
    if first.clock is not None and not first.days and second.clock is not None and not second.days and not second.doubtful:
        return None
    return _two_days(first, second)


def _two_days(first: When, second: When) -> When | None:
    """Read "下周三12月2号" and "明天周四": two names of one day; the surer one counts."""
    if first.clock is not None or first.repeat or second.repeat or not first.days or not second.days:
        return None
    if first.weekday == second.weekday:
        return None
    surer = second if first.weekday else first
    joined = surer.moved(first.start, second.end)
    joined.clock = second.clock
    return joined


def _range(first: When, second: When) -> When | None:
    if second.repeat or second.only_span or second.impossible:
        return None
    if second.days and not first.days:
        return None
    if not second.days and (first.clock is None or second.clock is None):
        return None
    joined = first.moved(first.start, second.end)
    joined.until = second
    return joined


def _absorb(when: When, text: str) -> When:
    """Take in "前三天" and framing words such as 之前 and 左右."""
    back = BACK.match(text, when.end)
    if back and when.days and when.clock is None:
        shift = timedelta(days=read_small(back["days"]) or 0)
        moved = when.moved(when.start, back.end())
        moved.days, moved.festival = tuple(day - shift for day in when.days), None
        moved.tense = ""
        return moved
    trail = TRAIL.match(text, when.end)
    if trail and not when.just_now and not when.at_once and not when.only_span:
        return when.moved(when.start, trail.end())
    return when


def _joined(parts: list[When], text: str) -> list[When]:
    done: list[When] = []
    for part in parts:
        absorbed = _absorb(part, text)
        joined = _join(done[-1], absorbed, text) if done else None
        if joined is not None:
            # "端午前一天下午3点": the framing may also follow the joined whole.
            done[-1] = joined
        else:
            done.append(absorbed)
    return done


def read_times(text: str, now: datetime) -> list[When]:
    """Read all times of a plain text in order; what names a day or hour that does not exist is marked impossible."""
    today = now.date()
    found = [*find_repeats(text), *find_days(text, today), *find_months(text, today), *find_feasts(text, today)]
    found += [*find_durations(text, now), *find_clocks(text), *_instants(text)]
    joined = _joined(_longest(found), text)
    return [when for when in joined if not (when.doubtful and not when.days and not when.repeat)]


def mark_times(sentence: Sentence, now: datetime) -> None:
    """Take all times out of a sentence; impossible ones stay as words."""
    for when in read_times(sentence.rest, now):
        if not when.impossible:
            sentence.take(Mention(TIME, when.start, when.end, when))


def is_time(text: str, now: datetime) -> bool:
    """Tell whether a text is a time and nothing else."""
    return any(when.start == 0 and when.end == len(text) for when in read_times(text, now))


def unusable_time(text: str, now: datetime) -> tuple[str, str] | None:
    """Tell why a text holds no time to come: "past" or "impossible" with its words; None when nothing is wrong with it."""
    plain = normalise(text)
    for when in read_times(plain, to_local(now)):
        words = text[when.start : when.end].strip()
        if when.impossible:
            hour = IMPOSSIBLE_PART.search(words)
            return "impossible", hour[0] if hour else words
        if when.tense == "past" and not when.just_now:
            return "past", words
    return None


def span_of(when: When, now: datetime, *, forward: bool = False) -> Span | None:
    """Return the range of days a time names ("本周", "11月1号到15号"); None when it names only an hour."""
    if when.until is not None and when.until.days and when.days:
        return _stretch(when, when.until, now, forward=forward)
    if when.span is not None:
        return when.span
    if not when.days:
        return None
    day = behind(when, now) or now
    return (day.date(), day.date())


def _stretch(first: When, last: When, now: datetime, *, forward: bool) -> tuple[date, date] | None:
    start = (ahead if forward else behind)(first, now) if len(first.days) > 1 else None
    day = start.date() if start else first.days[0]
    ends = [each for each in last.days if each >= day]
    return (day, ends[0]) if ends else None
