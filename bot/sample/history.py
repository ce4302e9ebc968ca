"""What happened with the people of the sample over sixty days: follow-ups, WeChat, tags, and what is still to be done."""

from datetime import datetime, time, timedelta

from bot.sample import words
from bot.sample.people import Draw, Somebody
from bot.sample.rows import insert
from crm_core.accounts import Account, PersonKind
from crm_core.activities import FollowUp, Method
from crm_core.clock import at_local, local_day
from crm_core.conversations import Message
from crm_core.ports import Program
from crm_core.segments import Tag, Tagging
from scheduler.reminders import Reminder, ReminderStatus

TAGS = {"VIP": "等级", "重点": "等级", "老客户": "关系", "展会": "来源", "价格敏感": "特点", "懂技术": "特点"}
REMINDERS, TODAY = 14, 3
_METHODS = (Method.PHONE, Method.PHONE, Method.WECHAT, Method.VISIT, Method.MEETING, Method.VIDEO)
_STAGES = tuple(words.FOLLOW_UPS)
_TOUCH = {
    "lead": "UPDATE leads SET last_follow_up_at = ?, updated_at = ? WHERE id = ?",
    "contact": "UPDATE contacts SET last_follow_up_at = ?, updated_at = ? WHERE id = ?",
}


def tag(draw: Draw, people: list[Somebody]) -> Program[None]:
    """Put tags on people."""
    numbers = {}
    for name, group in TAGS.items():
        numbers[name] = yield from insert(Tag, draw.now, name=name, group=group)
    for who in people:
        names = {"VIP"} if who.vip else set()
        names |= {name for name in TAGS if name not in ("VIP", "展会") and draw.random.random() < 0.1}
        names |= {"展会"} if draw.random.random() < 0.15 else set()
        for name in sorted(names):
            yield from insert(Tagging, who.since, tag_id=numbers[name], person_id=who.person_id)


def follow_up(draw: Draw, people: list[Somebody]) -> Program[None]:
    """Write the follow-ups, each stage after the one before, in working hours."""
    for who in people:
        if who.owner_id is None or not who.stage:
            continue
        last = None
        for stage, at in _steps(draw, who):
            amount = f"{draw.random.randint(3, 60) * 5000}.00" if stage not in ("initial", "qualified") else None
            yield from insert(
                FollowUp,
                at,
                subject_kind=who.kind,
                subject_id=who.id,
                person=who.name,
                method=draw.random.choice(_METHODS).value,
                at=at,
                summary=draw.words(words.FOLLOW_UPS[stage]),
                amount=amount,
                stage=stage,
                author_id=who.owner_id,
            )
            last = at
        if last is not None:
            yield _TOUCH[who.kind], (last, last, who.id)
        if last is not None and who.kind == "contact":
            yield (
                "UPDATE customers SET last_follow_up_at = ? WHERE id = (SELECT customer_id FROM contacts WHERE id = ?)",
                (last, who.id),
            )


def _steps(draw: Draw, who: Somebody) -> list[tuple[str, datetime]]:
    stages = _STAGES[: _STAGES.index(who.stage) + 1]
    stages = stages[-draw.random.randint(1, 4) :]
    span = (draw.now - who.since) * 0.95
    moments = [draw.working(who.since + span * draw.random.random()) for _ in stages]
    return list(zip(stages, sorted(min(at, draw.now - timedelta(hours=1)) for at in moments), strict=True))


def chat(draw: Draw, people: list[Somebody], channel: str) -> Program[None]:
    """Give a share of the people a WeChat account: some may be written to, some not, a few want nothing more."""
    for who in people:
        if who.channel:
            yield from _account(draw, who, channel)


def _account(draw: Draw, who: Somebody, channel: str) -> Program[None]:
    random = draw.random
    hours = random.uniform(1, 40) if random.random() < 0.65 else random.uniform(60, 24 * 30)
    wrote_at = max(draw.now - timedelta(hours=hours), who.since)
    luck = random.random()
    opted_out, unfollowed = luck < 0.06, 0.06 <= luck < 0.1
    gone_at = wrote_at + timedelta(minutes=5)
    external_id = f"oHL{random.getrandbits(120):030x}"[:28]
    account_id = yield from insert(
        Account,
        who.since,
        channel=channel,
        external_id=external_id,
        person_kind=PersonKind.CUSTOMER.value,
        person_id=who.person_id,
        followed_at=who.since,
        last_inbound_at=wrote_at,
        message_window_at=None if unfollowed else wrote_at,
        message_window_used=random.choice((0, 0, 1, 2)),
        opted_out_at=gone_at if opted_out else None,
        consent_changed_at=gone_at if opted_out else None,
        unfollowed_at=gone_at if unfollowed else None,
    )
    said = "退订" if opted_out else random.choice(words.CUSTOMER_SAYS)
    yield from insert(
        Message,
        wrote_at,
        channel=channel,
        external_account=external_id,
        account_id=account_id,
        direction="in",
        kind="text",
        text=said,
        at=wrote_at,
        status="done",
        key=f"sample:{external_id}",
        outcome="silent",
    )


def remind(draw: Draw, people: list[Somebody]) -> Program[None]:
    """Leave some things to be done: today (the first two for the salesperson of the demo), tomorrow and over the next days."""
    owned = [who for who in people if who.owner_id is not None]
    own = [who for who in owned if who.owner_id == owned[0].owner_id]
    chosen = draw.random.sample(own, 2)
    chosen += draw.random.sample([who for who in owned if who not in chosen], REMINDERS - 2)
    for number, who in enumerate(chosen):
        yield from insert(
            Reminder,
            draw.now - timedelta(days=1),
            owner_id=who.owner_id,
            about_kind=who.kind,
            about_id=who.id,
            about=who.name,
            at=_soon(draw, number) if number < TODAY else _later(draw, 1 + number // 3),
            text=f"{who.name}：{draw.random.choice(words.NEXT_ACTIONS)}",
            status=ReminderStatus.PENDING.value,
        )


def _soon(draw: Draw, number: int) -> datetime:
    full_hour = draw.now.replace(minute=0, second=0, microsecond=0)
    return full_hour + timedelta(hours=2 + number, minutes=draw.random.choice((0, 30)))


def _later(draw: Draw, days: int) -> datetime:
    return at_local(
        local_day(draw.now) + timedelta(days=days), time(draw.random.choice((9, 10, 14, 15, 16)), draw.random.choice((0, 30)))
    )
