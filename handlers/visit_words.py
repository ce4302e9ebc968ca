"""Outings in words: where a sentence goes to, a whole week in one message, and how an outing is shown."""

import re
from collections.abc import Sequence
from datetime import datetime

from crm_core.errors import Invalid
from crm_core.field_visits import FieldVisit
from crm_core.outings import Stop, state_of
from handlers import replies, subjects
from handlers.router import ChatContext
from handlers.understanding.parse import parse

MOST_STOPS = 30
_CUT = re.compile(r"[,，;；。\n、]+|(?<=\S)\s+(?=(?:下?周|星期|礼拜)[一二三四五六日天]|[今明后]天|\d{1,2}[号日月])")
_DAY = re.compile(r"(?<!下)(?<!上)(?<!本)(?<!这)(?:周|星期|礼拜)(?=[一二三四五六日天])")
_NAMED_DAY = re.compile(
    r"(?:下下?|本|这)?(?:周|星期|礼拜)[一二三四五六日天]|[今明后]天|大后天|\d{1,2}月\d{1,2}[号日]|\d{1,2}[号日]"
)
_GOING = re.compile(r"^(?:我|再|和|还有?|要|计划|准备|打算|先|然后|去|到|拜访|见|外出)+|(?:那边|那里|一趟|公司那边)$")
_WHEN = re.compile(
    r"(?:下下?|本|这)?(?:周|星期|礼拜)[一二三四五六日天]|大?后天|[今明]天|\d{1,2}月\d{1,2}[号日]|\d{1,2}[号日]|早上|上午|中午|下午|傍晚|晚上|"
    r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})点(?:半|一刻|三刻|\d{1,2}分?)?|\d{1,2}[:：]\d{2}"
)


async def where(ctx: ChatContext, at: datetime, *, place: str = "", purpose: str = "") -> Stop:
    """Tell where the slots go to: the record they name, else the name as it was said."""
    subject = await ctx.pick_subject()
    name = subject.name if subject else ctx.slot("company") or ctx.slot("person")
    return Stop(name, at, subject, place, purpose)


async def read_week(ctx: ChatContext, words: str, *, next_week: bool) -> list[Stop]:
    """Read a week's visits: 周一上午A公司，周三东风机械厂. A day holds until the next one is named.

    Raises: Invalid for a piece without a day or without a name.
    """
    now, day, stops = ctx.core.clock.now(), "", []
    for piece in (each.strip() for each in _CUT.split(words) if each.strip()):
        said = _DAY.sub("下周", piece) if next_week else piece
        named = _NAMED_DAY.search(said)
        day = named.group() if named else day
        if not day:
            raise Invalid(field="周计划", reason=f"「{piece[:20]}」没有说哪一天，例如：周三上午 云帆科技")
        stops.append(await _stop(ctx, said if named else f"{day}{said}", piece, now))
    if not 1 <= len(stops) <= MOST_STOPS:
        raise Invalid(field="周计划", reason=f"请写1到{MOST_STOPS}家，例如：周一上午 云帆科技，周三 东风机械厂")
    return stops


async def _stop(ctx: ChatContext, said: str, piece: str, now: datetime) -> Stop:
    rest = _GOING.sub("", _WHEN.sub("", said).strip()).strip()
    name = rest.split(" ")[0]
    known = await subjects.known_names(ctx.actor, name)
    meaning = parse(f"外出登记 {said}", now, [*known, name] if name else known)
    at = meaning.slots.get("at")
    if not name or not isinstance(at, str):
        raise Invalid(field="周计划", reason=f"「{piece[:20]}」看不懂，例如：周三上午 云帆科技")
    if datetime.fromisoformat(at) < now:
        raise Invalid(field="周计划", reason=f"「{piece[:20]}」已经过去了，请换一天")
    # The understanding knows where the name ends and the purpose begins; what stands behind a blank is a purpose too.
    told = str(meaning.slots.get("company") or meaning.slots.get("person") or name)
    purpose = str(meaning.slots.get("purpose") or "") or rest.removeprefix(name).strip()
    exact = [each for each in await subjects.find_named(ctx.actor, told) if told in (each.name, each.company)]
    return Stop(told, datetime.fromisoformat(at), exact[0] if exact else None, str(meaning.slots.get("place") or ""), purpose)


def line_of(visit: FieldVisit, now: datetime, *, who: str = "") -> str:
    """Write one outing in a line."""
    told = [who, f"{replies.when(visit.planned_at, now)} {visit.name}", visit.place, visit.purpose[:40]]
    state = state_of(visit)
    return "，".join(part for part in told if part) + ("" if state == "待拜访" else f"（{state}）")


def lines_of(visits: Sequence[FieldVisit], now: datetime, names: dict[int, str] | None = None) -> list[str]:
    """Write outings line by line, with whose they are when several people's are shown."""
    several = len({visit.employee_id for visit in visits}) > 1
    return [line_of(each, now, who=(names or {}).get(each.employee_id, "") if several else "") for each in visits]
