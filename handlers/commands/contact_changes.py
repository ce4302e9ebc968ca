"""New data of a contact or lead in a sentence: another number, a birthday, a title, another company."""

from collections.abc import Mapping

from crm_core import corrections, custom_fields
from crm_core.activities import Subject
from crm_core.errors import Invalid
from crm_core.values import mask_phone, mask_text, normalize_mobile
from handlers import replies
from handlers.customer_words import pick_any, pick_customer
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command

_SAID = {"title": "职务", "birthday": "生日", "wechat_id": "微信", "email": "邮箱"}
_KINDS = ("lead", "contact")
_ADDRESS = "地址"


async def undo_change(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Put back what was there."""
    for set_id in ids[2:]:
        await corrections.undo(ctx.core, ctx.actor, set_id)
    return replies.text("已撤销，改回原来的内容")


@command(
    intent="update_contact",
    usage="张伟换号了，新电话13800000000",
    roles=SELLING,
    undo=("contact.change", undo_change),
)
async def update_contact(ctx: ChatContext) -> Reply:
    """改联系人或线索的电话、职务、公司、生日、微信、邮箱"""
    subject = await pick_any(ctx, ctx.slot("person"), _KINDS)
    ctx.slots["subject"] = f"{subject.kind}:{subject.id}"
    said = _said(ctx, subject)
    goes_to = None
    if subject.kind == "contact" and ctx.slot("company"):
        goes_to = await pick_customer(ctx, ctx.slot("company"))
    has_address = bool(ctx.slot("address"))
    if has_address and not (said or goes_to):
        custom_fields.field_named(ctx.core, subject.kind, _ADDRESS)
    if not (said or goes_to or has_address):
        raise Invalid(field="改资料", reason=f"请写明改什么，如：把{subject.name[:12]}的电话改成13800138000")
    sets, note = await _write(ctx, subject, said, goes_to.id if goes_to else None)
    shown = {**said, **({"公司": goes_to.name} if goes_to else {})}
    if has_address and not note:
        shown[_ADDRESS] = ctx.slot("address")
    reply = replies.record(
        f"已更新：{subject.name}",
        [(name, _shown(ctx, name, value)) for name, value in shown.items()],
        undo=Undo("contact.change", (_KINDS.index(subject.kind), subject.id, *sets)),
    )
    return reply.with_note(note) if note else reply


def _said(ctx: ChatContext, subject: Subject) -> dict[str, str]:
    said = {name: ctx.slot(slot) for slot, name in _SAID.items() if ctx.slot(slot)}
    phone = ctx.slot("phone")
    if phone:
        said["电话" if normalize_mobile(phone) or phone.startswith("1") else "座机"] = phone
    if subject.kind == "lead" and ctx.slot("company"):
        said["公司"] = ctx.slot("company")
    return said


async def _write(ctx: ChatContext, subject: Subject, said: Mapping[str, str], customer_id: int | None) -> tuple[list[int], str]:
    """Write the columns and the house's own field of an address; gives the change sets, and what was not kept."""
    sets, note = [], ""
    if said or customer_id is not None:
        sets.append(await corrections.correct_all(ctx.core, ctx.actor, subject.kind, subject.id, said, customer_id=customer_id))
    address = ctx.slot("address")
    if address and ctx.core.settings.fields.find(subject.kind, _ADDRESS) is None:
        note = "（地址没有保存：还没有“地址”这个字段，请管理员设置）"
    elif address:
        sets.append(await corrections.correct(ctx.core, ctx.actor, subject.kind, subject.id, _ADDRESS, address))
    return sets, note


def _shown(ctx: ChatContext, name: str, value: str) -> str:
    if not ctx.message.in_group:
        return value.replace("lunar:", "农历")
    if name in ("电话", "座机"):
        return mask_phone(value) or ""
    return (mask_text(value) or "") if name in ("微信", "邮箱", "生日") else value
