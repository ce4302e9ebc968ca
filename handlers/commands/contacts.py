"""Contacts of a customer in words: added one after another with role and number, their superiors, and the tree of units."""

import re
from typing import Any

from crm_core import access, contacts, corrections, customers
from crm_core.customers import Contact, Customer
from crm_core.errors import Invalid
from crm_core.values import mask_phone, show_phone
from handlers import replies
from handlers.customer_words import is_known, pick_any, pick_customer
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command

_ADDED = re.compile(r"(?P<company>[^\s，,]{2,30})\s+(?P<words>.+)", re.DOTALL)
_PHONE = re.compile(r"(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}|0\d{2,3}[- ]?\d{7,8}")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_WEIGHT = re.compile(r"(?:决策)?权重\s*(\d{1,3})")
_ABOVE = re.compile(r"上级(?:是)?\s*([^\s，,]{2,16})")


async def undo_contact(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take a contact back that was just added."""
    row = await contacts.undo_add(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：联系人「{row.name}」")


@command(
    intent="add_contact",
    usage="给云帆科技加联系人 李四 财务 13800138000",
    roles=SELLING,
    phrases=("加联系人", "新增联系人"),
    forms=(r"给(?P<company>[^\s，,]{2,30}?)\s*(?:加|添加|新增|增加|再加)(?:一?[个位])?联系人[\s，,:：]*(?P<words>.+)",),
    undo=("contact.add", undo_contact),
)
async def add_contact(ctx: ChatContext) -> Reply:
    """给客户加联系人：姓名、角色、电话、上级、决策权重"""
    if "company" not in ctx.slots:
        found = _ADDED.fullmatch(ctx.slot("words"))
        if found is None:
            raise Invalid(field="联系人", reason="请写成：给A公司加联系人 李四 财务 13800138000")
        ctx.slots |= found.groupdict()
    row = await pick_customer(ctx, ctx.slot("company"))
    name, values = read_contact(ctx.slot("words"))
    above = values.pop("above", "")
    if above:
        boss = await access.visible(Contact, ctx.actor).filter(customer_id=row.id, name=above).first()
        if boss is None:
            raise Invalid(field="上级", reason=f"{row.name[:16]}没有联系人{above}，请先添加")
        values["reports_to_id"] = boss.id
    made = await customers.add_contact(ctx.core, ctx.actor, name=name, customer_id=row.id, **values)
    count = await access.visible(Contact, ctx.actor).filter(customer_id=row.id).count()
    superiors = await contacts.superiors_of([made])
    hidden = ctx.message.in_group
    number = made.mobile or made.landline
    return replies.record(
        f"已添加联系人：{contacts.label(made, superiors)}",
        (
            ("客户", f"{row.name}，现有联系人{count}位"),
            ("电话", mask_phone(number) if hidden else show_phone(number)),
            ("邮箱", made.email if not hidden else ""),
        ),
        undo=Undo("contact.add", (made.id,)),
    )


def read_contact(words: str) -> tuple[str, dict[str, Any]]:
    """Read "李四 财务 138…" into a name and fields. Raises: Invalid without a name."""
    values: dict[str, Any] = {}
    rest = words.strip(" 。")
    for key, form in (("phone", _PHONE), ("email", _EMAIL)):
        if found := form.search(rest):
            values[key] = found[0]
            rest = rest.replace(found[0], " ", 1)
    if found := _WEIGHT.search(rest):
        values["decision_weight"] = int(found[1])
        rest = rest.replace(found[0], " ", 1)
    if found := _ABOVE.search(rest):
        values["above"] = found[1]
        rest = rest.replace(found[0], " ", 1)
    parts = [part for part in re.split(r"[\s，,、:：]+", rest) if part]
    if not parts:
        raise Invalid(field="联系人", reason="请填写姓名")
    for part in parts[1:]:
        if part in contacts.ROLES and "role" not in values:
            values["role"] = part
            if part == "决策人":
                values["decision_maker"] = True
        else:
            values["title"] = f"{values.get('title', '')} {part}".strip()[:64]
    return parts[0][:64], values


@command(intent="list_contacts", usage="联系人 云帆科技", roles=EVERYBODY, phrases=("联系人",))
async def list_contacts(ctx: ChatContext) -> Reply:
    """看客户的联系人"""
    row = await pick_customer(ctx, ctx.slot("words"))
    seen = await contacts.around(ctx.core, ctx.actor, row.id)
    if not seen.contacts:
        return replies.text(f"{row.name}还没有联系人。可以说：给{row.name}加联系人 李四 财务 13800138000")
    superiors = await contacts.superiors_of(seen.contacts)
    return replies.numbered(
        f"{row.name}的联系人{seen.contact_count}位：", [contacts.label(each, superiors) for each in seen.contacts]
    )


async def undo_above(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Put the former superior or parent back."""
    await corrections.undo(ctx.core, ctx.actor, ids[0])
    return replies.text("已撤销，恢复原来的上级")


@command(
    intent="set_above",
    usage="云帆科技的上级单位是东风集团",
    roles=SELLING,
    phrases=("上级单位",),
    forms=(
        r"(?P<who>[^\s，,。的]{2,30})的(?P<what>上级单位|上级公司|母公司|总公司|上级)(?:改成|改为|是)(?P<above>[^\s，,。]{2,30})",
        r"把(?P<who>[^\s，,。]{2,30}?)(?:归到|挂到|放到)(?P<above>[^\s，,。]{2,30}?)(?:下面|旗下|名下|下)",
    ),
    undo=("above.set", undo_above),
)
async def set_above(ctx: ChatContext) -> Reply:
    """设上级单位，或联系人的上级，如 李四的上级是王五"""
    who, above = ctx.slot("who"), ctx.slot("above")
    if not who:
        who, _, above = ctx.slot("words").partition(" ")
        if not above.strip():
            raise Invalid(field="上级单位", reason="请写成：A公司的上级单位是B集团")
    if ctx.slot("what") == "上级" and not await is_known(ctx.actor, who):
        return await _set_superior(ctx, who, above)
    row = await pick_customer(ctx, who)
    parent = await pick_customer(ctx, above.strip(), slot="parent")
    set_id = await corrections.set_above(ctx.core, ctx.actor, "customer", row.id, parent.id)
    return replies.text(f"已设：{row.name}的上级单位是{parent.name}", Undo("above.set", (set_id, 0, row.id)))


async def _set_superior(ctx: ChatContext, who: str, above: str) -> Reply:
    person = await pick_any(ctx, who, ("contact",))
    boss = await pick_any(ctx, above, ("contact",), slot="boss")
    set_id = await corrections.set_above(ctx.core, ctx.actor, "contact", person.id, boss.id)
    return replies.text(f"已设：{person.name}的上级是{boss.name}", Undo("above.set", (set_id, 1, person.id)))


@command(intent="show_tree", usage="组织架构 东风集团", roles=EVERYBODY, phrases=("组织架构",))
async def show_tree(ctx: ChatContext) -> Reply:
    """看上级和下级单位"""
    row: Customer = await pick_customer(ctx, ctx.slot("words"))
    units = await contacts.tree_of(ctx.core, ctx.actor, row.id)
    if len(units) == 1:
        return replies.text(f"{row.name}没有上下级单位。可以说：{row.name}的上级单位是某某集团")
    top = min(unit.level for unit in units)
    parents = {unit.id: unit for unit in units}
    lines = [f"{'　' * (unit.level - top)}{unit.name}{'（当前）' if unit.id == row.id else ''}" for unit in parents.values()]
    return replies.text("\n".join(lines))
