"""Festival and birthday greetings (节日祝福): yearly plans that become broadcasts ahead of time.

A plan and a local day make one broadcast at most, under a slot; a person gets one greeting of a festival a day, under the
unique greeting key of the recipients. A day whose time has passed starts late until the quiet hours, else it is reported.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from enum import StrEnum
from typing import Any

from tortoise import fields

from campaigns import shown
from campaigns.broadcasts import Broadcast, BroadcastStatus, refuse_self_approval, require_channel, require_sendable
from campaigns.errors import Unusable
from campaigns.shown import Content, content_now
from campaigns.templates import Template
from crm_core import access
from crm_core.access import Actor
from crm_core.calendar import festivals, next_festival
from crm_core.changes import change_fields
from crm_core.clock import at_local, local_day
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Conflict
from crm_core.ports import CampaignSettings, Core, Program
from crm_core.segments import Segment, count_people, selection_of
from crm_core.selection import Selection
from scheduler.notices import tell
from scheduler.queue import Periodic, take_slot

AHEAD = timedelta(hours=12)
"""How long before its time a greeting stands among the broadcasts, to be looked at or cancelled."""
AHEAD_BIRTHDAY = timedelta(hours=1)
"""The same for birthdays, where finding out whether there is anybody reads the whole segment."""
LOOK_BACK = timedelta(days=7)
"""Missed days that are still reported."""
ONE_DAY = timedelta(days=1)
SYSTEM = Actor.of_system("greetings")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class GreetingStatus(StrEnum):
    """Where a plan is in its life."""

    DRAFT = "draft"
    APPROVED = "approved"
    CANCELLED = "cancelled"


GREETING_STATUS_LABELS = {GreetingStatus.DRAFT: "草稿", GreetingStatus.APPROVED: "已启用", GreetingStatus.CANCELLED: "已取消"}


class GreetingWrongState(Conflict):
    """The plan is not where it would have to be."""

    code = "greeting.wrong_state"
    text = "祝福计划「{name}」当前为{status}，不能{action}"


class GreetingChanged(Conflict):
    """The segment or the template says something else than when the plan was made or changed last."""

    code = "greeting.changed_since_draft"
    text = "祝福计划「{name}」的分群或模板在起草后改过，请核对后重新保存再批准"


class GreetingPlan(Entity):
    """Greet a segment on a festival, or each person on their birthday, at a time of day."""

    owner_field = None

    name = fields.CharField(max_length=128)
    segment_id = fields.BigIntField()
    template_id = fields.BigIntField()
    channel = fields.CharField(max_length=64)
    time = fields.CharField(max_length=5)
    festival = fields.CharField(max_length=32, default="")
    birthday = fields.BooleanField(default=False)
    status = fields.CharField(max_length=16, default=GreetingStatus.DRAFT.value)
    author = fields.CharField(max_length=64, default="")
    author_id = fields.BigIntField(null=True)
    approved_by = fields.CharField(max_length=64, default="")
    approved_at = UtcDatetimeField(null=True)
    template_body = fields.TextField(default="")
    template_kind = fields.CharField(max_length=24, default="")
    selection = fields.TextField(default="")
    """Text and condition are frozen at approval: what nobody approved is not sent. A draft's are those it was saved with.

    A `Selection` as JSON.
    """

    class Meta:
        """Few rows."""

        table = "greeting_plans"

    @property
    def occasion(self) -> str:
        """What it is for: the festival's name or `birthday`."""
        return self.festival or "birthday"

    @property
    def time_of_day(self) -> clock_time:
        """When on the day, in Shanghai."""
        return clock_time.fromisoformat(self.time)


async def create(
    core: Core,
    actor: Actor,
    *,
    name: str,
    segment_id: int,
    template_id: int,
    channel: str,
    time: str,
    festival: str = "",
    birthday: bool = False,
) -> GreetingPlan:
    """Draft a plan (祝福计划) for a festival or for birthdays. Raises: Unusable; NotFound."""
    access.require(actor, "greetings:write")
    values = {"name": name, "segment_id": segment_id, "template_id": template_id, "channel": channel, "time": time}
    async with core.db.transaction():
        clean = await _checked(core, actor, {**values, "festival": festival, "birthday": birthday})
        plan: GreetingPlan = await GreetingPlan.add(core, **clean, author=actor.name[:64], author_id=actor.employee_id)
        await _keep(core, actor, plan)
        await access.record(core, actor, "greeting.create", plan)
    return plan


async def update(core: Core, actor: Actor, plan_id: int, **values: Any) -> GreetingPlan:
    """Change any field of a draft that `create` takes (改草稿). Raises: Unusable; NotFound; GreetingWrongState."""
    async with core.db.transaction():
        plan = await _load(actor, plan_id, "修改", GreetingStatus.DRAFT)
        occasion = {"festival": plan.festival, "birthday": plan.birthday}
        clean = await _checked(core, actor, {**occasion, **values}, channel=plan.channel)
        await _move(core, plan, "修改", GreetingStatus.DRAFT)
        await change_fields(core, actor, "greeting.update", plan, clean)
        await _keep(core, actor, plan)
    return plan


async def _content(plan: GreetingPlan) -> Content:
    return await content_now(plan.segment_id, plan.template_id, plan.channel, plan.selection)


async def _keep(core: Core, actor: Actor, plan: GreetingPlan) -> None:
    """Keep what a draft says as it is saved: approved is that and nothing else, and by whoever saw it so."""
    content = await _content(plan)
    await shown.remember(core, actor, "greeting", plan.id, _mark(plan, content))
    plan.selection, plan.template_kind, plan.template_body = content.selection.to_json(), content.kind, content.body
    await plan.save(update_fields=["selection", "template_kind", "template_body"])


def _mark(plan: GreetingPlan, content: Content) -> str:
    return f"{content.mark}:{plan.time}:{plan.festival}:{plan.birthday}"


async def _checked(core: Core, actor: Actor, values: Mapping[str, Any], *, channel: str = "") -> dict[str, Any]:
    clean = dict(values)
    if "name" in clean:
        clean["name"] = clean["name"].strip()[:128]
        if not clean["name"]:
            raise Unusable(field="name", reason="请填写祝福名称")
    if bool(clean["festival"]) == clean["birthday"]:
        raise Unusable(field="festival", reason="节日和生日请选一个")
    if clean["festival"] and clean["festival"] not in festivals():
        labels = "、".join(one.label for one in festivals().values())
        names = "、".join(f"{name}（{one.label}）" for name, one in festivals().items())
        raise Unusable(field="festival", reason=f"没有这个节日，可选：{labels}", for_programs=f"没有这个节日，可选：{names}")
    if "time" in clean:
        _check_time(core.settings.campaigns, clean["time"])
    if "channel" in clean:
        require_channel(core, clean["channel"])
    if "segment_id" in clean:
        clean["selection"] = selection_of(await access.load(Segment, actor, clean["segment_id"]), actor).to_json()
    if "template_id" in clean:
        require_sendable(core, await access.load(Template, actor, clean["template_id"]), clean.get("channel", channel))
    return clean


def _check_time(settings: CampaignSettings, text: str) -> None:
    if not _TIME.fullmatch(text):
        raise Unusable(field="time", reason="应写成09:00这样的形式")
    if clock_time.fromisoformat(text) >= _last_time(settings):
        raise Unusable(field="time", reason=f"应早于免打扰时段（{settings.quiet_from:%H:%M}）")


def _last_time(settings: CampaignSettings) -> clock_time:
    """Until when a greeting can still start on its day: the quiet hours before midnight, if there are any."""
    over_midnight = settings.quiet_from > settings.quiet_until
    return settings.quiet_from if over_midnight else clock_time.max


async def approve(core: Core, actor: Actor, plan_id: int) -> GreetingPlan:
    """Approve a plan (批准): it runs every year from now on, with text and condition as they are now.

    Raises: NotFound; GreetingWrongState; SelfApproveRefused for its author above the limit; GreetingChanged.
    """
    plan = await _load(actor, plan_id, "批准", GreetingStatus.DRAFT)
    content = await _content(plan)
    await refuse_self_approval(core, actor, plan, content.selection)
    is_kept = content.is_kept(plan.selection, plan.template_kind, plan.template_body)
    if not is_kept or await shown.saw_something_else(core, actor, "greeting", plan.id, _mark(plan, content)):
        raise GreetingChanged(name=plan.name)
    require_sendable(core, content, plan.channel)
    async with core.db.transaction():
        values = {"approved_by": actor.name[:64], "approved_at": core.clock.now()}
        await _move(core, plan, "批准", GreetingStatus.APPROVED, **values)
        await access.record(core, actor, "greeting.approve", plan)
    return await GreetingPlan.get(id=plan.id)


async def cancel(core: Core, actor: Actor, plan_id: int) -> GreetingPlan:
    """End a plan (取消); a broadcast it has made already is cancelled by itself. Raises: NotFound; GreetingWrongState."""
    plan = await _load(actor, plan_id, "取消", GreetingStatus.DRAFT, GreetingStatus.APPROVED)
    async with core.db.transaction():
        await _move(core, plan, "取消", GreetingStatus.CANCELLED)
        await Broadcast.filter(greeting_id=plan.id, status=BroadcastStatus.SCHEDULED.value).update(
            status=BroadcastStatus.CANCELLED.value, finished_at=core.clock.now(), updated_at=core.clock.now()
        )
        await access.record(core, actor, "greeting.cancel", plan)
    return await GreetingPlan.get(id=plan.id)


async def find_same(actor: Actor, *, segment_id: int, channel: str, festival: str) -> GreetingPlan | None:
    """Find the plan that greets a segment on an occasion (no festival: birthdays): approved, else the actor's own draft."""
    of_occasion = GreetingPlan.filter(segment_id=segment_id, channel=channel, festival=festival, birthday=not festival)
    approved = await of_occasion.filter(status=GreetingStatus.APPROVED.value).order_by("-id").first()
    if approved is not None:
        return approved
    drafts = of_occasion.filter(status=GreetingStatus.DRAFT.value, author_id=actor.employee_id)
    return await drafts.order_by("-id").first()


async def list_open(actor: Actor, occasion: str) -> list[GreetingPlan]:
    """List the drafts and plans of an occasion that are not cancelled, newest first."""
    found = access.visible(GreetingPlan, actor).exclude(status=GreetingStatus.CANCELLED.value)
    of_birthday = occasion == "birthday"
    return await found.filter(birthday=of_birthday, festival="" if of_birthday else occasion).order_by("-id")


async def selection_now(plan: GreetingPlan) -> Selection:
    """Tell whom a plan draws from: a draft by the segment as it is now, any other by what was approved."""
    return (await _content(plan)).selection if plan.status == GreetingStatus.DRAFT else Selection.from_json(plan.selection)


async def _load(actor: Actor, plan_id: int, action: str, *states: GreetingStatus) -> GreetingPlan:
    access.require(actor, "greetings:write")
    plan = await access.load(GreetingPlan, actor, plan_id)
    if plan.status not in states:
        raise _wrong_state(plan, action)
    return plan


async def _move(core: Core, plan: GreetingPlan, action: str, status: GreetingStatus, **values: object) -> None:
    same = GreetingPlan.filter(id=plan.id, status=plan.status)
    if plan.status == GreetingStatus.DRAFT:
        # A draft can be changed: what nobody looked at must not be approved.
        same = same.filter(updated_at=plan.updated_at)
    if not await same.update(status=status.value, updated_at=core.clock.now(), **values):
        found = await GreetingPlan.get(id=plan.id)
        raise _wrong_state(found, action) if found.status != plan.status else Conflict()


def _wrong_state(plan: GreetingPlan, action: str) -> GreetingWrongState:
    return GreetingWrongState(name=plan.name, status=GREETING_STATUS_LABELS[GreetingStatus(plan.status)], action=action)


async def make_due(core: Core, *, unsure_from: date | None = None) -> int:
    """Make the broadcasts of the days at hand and report the missed ones; tells how many broadcasts were made.

    From `unsure_from` on a missed day may have been greeted: the database was restored from a backup.
    """
    made = 0
    for plan in await GreetingPlan.filter(status=GreetingStatus.APPROVED.value).order_by("id"):
        for day in await _open_days(core, plan):
            made += await _decide_day(core, plan, day, unsure=unsure_from is not None and day >= unsure_from)
    return made


PERIODIC = Periodic(name="greetings", every=timedelta(seconds=30), run=make_due)


async def _open_days(core: Core, plan: GreetingPlan) -> list[date]:
    """List the days of a plan that nothing was decided about, from the look-back to as far as is made ahead."""
    now = core.clock.now()
    first = max(local_day(now - LOOK_BACK), local_day(plan.approved_at or now))
    ahead = AHEAD_BIRTHDAY if plan.birthday else AHEAD
    days = [first + ONE_DAY * shift for shift in range((local_day(now + ahead) - first).days + 1)]
    taken = await core.db.read(_taken(plan.id))
    days = [day for day in days if day.isoformat() not in taken and at_local(day, plan.time_of_day) - now <= ahead]
    return [day for day in days if not plan.festival or next_festival(plan.festival, day) == day]


def _slot_name(plan_id: int) -> str:
    return f"greeting:{plan_id}"


def _taken(plan_id: int) -> Program[set[str]]:
    rows = yield "SELECT slot FROM schedule_slots WHERE name = ?", (_slot_name(plan_id),)
    return {str(slot) for (slot,) in rows}


async def _decide_day(core: Core, plan: GreetingPlan, day: date, *, unsure: bool) -> int:
    now = core.clock.now()
    selection = await selection_now(plan)
    nobody = False
    if plan.birthday:
        selection = selection.on_birthday(day)
        nobody = not await count_people(core, selection)
        if nobody and now < at_local(day, plan.time_of_day):
            return 0
    missed = now >= grace_end(core.settings.campaigns, day)
    async with core.db.transaction():
        if not await core.db.run(take_slot(now, _slot_name(plan.id), day.isoformat())):
            return 0
        if nobody:
            return 0
        if missed:
            await _report_missed(core, plan, day, unsure=unsure)
            return 0
        await _make_broadcast(core, plan, day, selection)
    return 1


def grace_end(settings: CampaignSettings, day: date) -> datetime:
    """Tell until when the greeting of a day may start."""
    last = _last_time(settings)
    return at_local(day + ONE_DAY, clock_time()) if last == clock_time.max else at_local(day, last)


async def _make_broadcast(core: Core, plan: GreetingPlan, day: date, selection: Selection) -> None:
    broadcast = await Broadcast.add(
        core,
        name=f"{plan.name[:100]} {day.isoformat()}",
        segment_id=plan.segment_id,
        template_id=plan.template_id,
        channel=plan.channel,
        scheduled_at=at_local(day, plan.time_of_day),
        status=BroadcastStatus.SCHEDULED.value,
        author=plan.author,
        author_id=plan.author_id,
        approved_by=plan.approved_by,
        approved_at=plan.approved_at,
        template_body=plan.template_body,
        template_kind=plan.template_kind,
        conditions=selection.to_json(),
        greeting_id=plan.id,
        occasion=f"{plan.occasion}:{day.isoformat()}",
        occasion_on=day,
    )
    await access.record(core, SYSTEM, "greeting.make", broadcast, after={"greeting_id": plan.id})


async def _report_missed(core: Core, plan: GreetingPlan, day: date, *, unsure: bool) -> None:
    await access.record(core, SYSTEM, "greeting.unknown" if unsure else "greeting.missed", plan, after={"day": day.isoformat()})
    what = "可能已经发出（数据恢复自备份，无法确认）" if unsure else "未能发送（已过当天可发送时间）"
    text = f"祝福「{plan.name}」{day.month}月{day.day}日{what}，不再补发"
    await core.db.run(tell(core, plan.author_id, text, key=f"greeting:{plan.id}:{day.isoformat()}:missed"))
