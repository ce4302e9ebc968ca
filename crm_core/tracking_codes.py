"""Tracking codes (带参数二维码): whoever follows through one brings its scene along as the lead's source.

A code is asked for here and made by the edge, which alone talks to the platform; whoever asked in a chat is told then.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

from tortoise import fields

from crm_core import access
from crm_core.access import Actor
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Invalid
from crm_core.messages import Address, Body, Guarantee
from crm_core.outbox import RETRY_PAUSES, queue
from crm_core.ports import Core, Program

MAX_SCENE = 64
"""Characters of a scene. Source: QR page of the Official Account, protocols.md section 2.2."""
LONGEST = timedelta(days=30)
"""How long a temporary code lasts at most. Source: the same."""
PICTURE = "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket="
TRIES = 6


class CodeStatus(StrEnum):
    """Where a code is in its life."""

    WANTED = "wanted"
    READY = "ready"
    FAILED = "failed"


class TrackingCode(Entity):
    """One code of a channel. Asked for again while it holds, it stays the same."""

    owner_field = None

    channel = fields.CharField(max_length=64)
    scene = fields.CharField(max_length=MAX_SCENE)
    permanent = fields.BooleanField(default=True)
    status = fields.CharField(max_length=16, default=CodeStatus.WANTED.value)
    ticket = fields.CharField(max_length=255, default="")
    url = fields.CharField(max_length=255, default="")
    """What the picture holds."""
    expires_at = UtcDatetimeField(null=True)
    attempts = fields.IntField(default=0)
    not_before = UtcDatetimeField(null=True)
    reason = fields.CharField(max_length=100, default="")
    asked_channel = fields.CharField(max_length=64, default="")
    asked_account = fields.CharField(max_length=128, default="")
    """Whom to tell when it is ready; empty: nobody waits in a chat."""
    author_id = fields.BigIntField(null=True)

    class Meta:
        """Few rows."""

        table = "tracking_codes"
        unique_together = (("channel", "scene", "permanent"),)

    @property
    def picture_url(self) -> str:
        """Where the picture of the code is."""
        return PICTURE + quote(self.ticket, safe="") if self.ticket else ""

    def holds(self, now: datetime) -> bool:
        """Tell whether it can be scanned now."""
        return self.status == CodeStatus.READY and (self.expires_at is None or self.expires_at > now)


async def want(
    core: Core, actor: Actor, *, channel: str, scene: str, permanent: bool = True, tell: Address | None = None
) -> TrackingCode:
    """Ask for a code (生成二维码); one that still holds is given as it is.

    Raises: Invalid for a scene or channel that cannot be used; Refused.
    """
    access.require(actor, "broadcasts:write")
    word = checked_scene(scene)
    if channel not in core.reach or channel in core.staff_channels:
        raise Invalid(field="channel", reason="没有这个客户渠道")
    now = core.clock.now()
    async with core.db.transaction():
        known = await TrackingCode.get_or_none(channel=channel, scene=word, permanent=permanent)
        if known is not None and known.holds(now):
            return known
        asked = {"asked_channel": tell.channel, "asked_account": tell.external_id} if tell else {}
        if known is None:
            known = await TrackingCode.add(
                core, channel=channel, scene=word, permanent=permanent, author_id=actor.employee_id, **asked
            )
            await access.record(core, actor, "tracking_code.create", known)
        else:
            await known.change(core, status=CodeStatus.WANTED.value, attempts=0, not_before=None, reason="", **asked)
    return known


def checked_scene(scene: str) -> str:
    """Give a scene as it is kept. Raises: Invalid."""
    word = scene.strip()
    if not word:
        raise Invalid(field="scene", reason="请写明场景，例如：展会A")
    if len(word) > MAX_SCENE or not word.isprintable():
        raise Invalid(field="scene", reason=f"场景应为1到{MAX_SCENE}个字")
    return word


def wanted(channel: str, now: datetime) -> Program[list[tuple[int, str, bool]]]:
    """List the codes of a channel that have to be made now: number, scene, permanent."""
    rows = yield (
        "SELECT id, scene, permanent FROM tracking_codes WHERE channel = ? AND status = 'wanted'"
        " AND (not_before IS NULL OR not_before <= ?) ORDER BY id LIMIT 20",
        (channel, now),
    )
    return [(int(number), str(scene), bool(permanent)) for number, scene, permanent in rows]


async def ready(core: Core, code_id: int, *, ticket: str, url: str, expires_at: datetime | None) -> TrackingCode:
    """Note that a code was made, and tell whoever asked for it in a chat."""
    code = await TrackingCode.get(id=code_id)
    async with core.db.transaction():
        await code.change(
            core, status=CodeStatus.READY.value, ticket=ticket[:255], url=url[:255], expires_at=expires_at, reason=""
        )
        await core.db.run(_tell(core, code, f"二维码「{code.scene}」已生成：{code.picture_url}"))
    return code


async def failed(core: Core, code_id: int, reason: str, *, sentence: str, final: bool) -> None:
    """Note that a code could not be made: tried again later, or given up and told."""
    code = await TrackingCode.get(id=code_id)
    pause = timedelta(seconds=RETRY_PAUSES[min(code.attempts, len(RETRY_PAUSES) - 1)])
    is_over = final or code.attempts + 1 >= TRIES
    async with core.db.transaction():
        await code.change(
            core,
            status=(CodeStatus.FAILED if is_over else CodeStatus.WANTED).value,
            attempts=code.attempts + 1,
            not_before=core.clock.now() + pause,
            reason=reason[:100],
        )
        if is_over:
            await core.db.run(_tell(core, code, f"二维码「{code.scene}」没有生成：{sentence}"))


def _tell(core: Core, code: TrackingCode, text: str) -> Program[None]:
    if code.asked_account:
        yield from queue(
            core,
            Address(code.asked_channel, code.asked_account),
            Body(text=text),
            key=f"tracking_code:{code.id}:{code.updated_at:%Y%m%dT%H%M%S%f}",
            guarantee=Guarantee.AT_LEAST_ONCE,
            expires_at=core.clock.now() + timedelta(hours=24),
        )
