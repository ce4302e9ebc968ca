"""A customer's, contact's or lead's card in one message, one-line questions, corrections, sharing, deleting."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from crm_core import (
    access,
    activities,
    change_sets,
    colleagues,
    contacts,
    corrections,
    custom_fields,
    customer_values,
    deletion,
    pool_claims,
    purchases,
    sharing,
)
from crm_core.access import Actor, Role, sees_personal
from crm_core.accounts import Account
from crm_core.activities import METHOD_LABELS, SUBJECT_MODELS, Method, Subject
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee
from crm_core.errors import Invalid
from crm_core.leads import LEAD_STATUS_LABELS, Lead, LeadStatus, accounts_of
from crm_core.life_cycle_rules import LIFE_CYCLE_LABELS, LifeCycle
from crm_core.opportunities import Opportunity
from crm_core.ports import Core
from crm_core.purchases import PurchaseKind
from crm_core.reach import ReachRule
from crm_core.said_mobiles import hide_marks, hide_mobiles
from crm_core.segments import tags_of
from crm_core.values import mask_phone, mask_text, show_phone
from handlers import replies
from handlers.customer_words import is_known, pick_any, pick_customer
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command

_CORRECTION = re.compile(
    r"把?(?P<who>[^\s，,。的]{2,30})的(?P<field>[^\s，,。的]{1,32}?)(?:改成|改为|更新为|设为|设成)(?P<value>.{1,200})"
)
_PLAIN = re.compile(r"(?P<who>[^\s，,。]{2,30})\s+(?P<field>[^\s，,。]{1,32})\s+(?P<value>[^\n]{1,200})")
_WHO = r"(?P<who>[^\s，,。？?]{2,30}?)"
_QUESTIONS = {
    "industry": re.compile(rf"{_WHO}\s*(?:是|属于|做)?(?:什么|哪个|哪一?)行业(?:的)?[？?]?"),
    "region": re.compile(rf"{_WHO}\s*(?:是|属于)?(?:在)?(?:哪里|哪个地区|什么地区|哪个城市|在哪|哪儿)(?:的)?[？?]?"),
    "bought": re.compile(rf"{_WHO}\s*(?:都)?(?:买过|买了|买)(?:些)?(?:什么|哪些)(?:产品|东西)?[？?]?"),
    "owed": re.compile(rf"{_WHO}\s*(?:还)?(?:欠(?:我们)?多少(?:钱)?|应收(?:款)?(?:是|有)?多少|有没有欠款)[？?]?"),
}
_HOW_MANY = (
    r"(?:我|一共|总共|现在|我们)?(?:有)?(?:多少(?:个|家)?客户|几(?:个|家)客户|客户(?:一共|总共)?有?(?:多少|几)(?:个|家)?"
    r"|客户数量?)[？?]?"
)


@command(intent="show_contact", usage="看下张伟的资料", roles=frozenset(Role))
async def show_contact(ctx: ChatContext) -> Reply:
    """看客户资料"""
    subject = await ctx.pick_subject()
    if subject is None:
        name = ctx.slot("person") or ctx.slot("company")
        # The same of a colleague's customer as of nobody: who asks may not learn that there is one.
        return replies.text(f"没有找到「{name}」，请核对姓名或公司后再试")
    row = await access.load(SUBJECT_MODELS[subject.kind], ctx.actor, subject.id)
    if subject.kind == "lead" and row.owner_id is None:
        await pool_claims.count_views(ctx.core, ctx.actor, 1)
    full = sees_personal(ctx.actor, row.owner_id) and not ctx.message.in_group
    own = await custom_fields.shown_of(ctx.core, subject.kind, subject.id)
    around = await _around(ctx, row) if isinstance(row, Customer) else []
    return replies.record(
        _headline(subject, row, full=full),
        [
            *_particulars(row, full=full),
            *own,
            *await _relations(ctx, subject),
            *around,
            *await _past(ctx, row, subject, full=full),
        ],
    )


def _headline(subject: Subject, row: object, *, full: bool) -> str:
    kind = {"lead": "线索", "contact": "联系人", "customer": "客户"}[subject.kind]
    status = getattr(row, "status", "")
    label = f"，{LEAD_STATUS_LABELS[LeadStatus(status)]}" if subject.kind == "lead" else ""
    if isinstance(row, Customer):
        label = f"，{'个人' if row.kind == 'person' else '单位'}"
    return f"【{subject.name if full else hide_mobiles(subject.name)}】{kind}{label}"


def _particulars(row: object, *, full: bool) -> list[tuple[str, object]]:
    number = getattr(row, "mobile", None)
    landline = getattr(row, "landline", None)
    hidden = (lambda value: value) if full else mask_text
    return [
        ("公司", getattr(row, "company", "") if full else hide_mobiles(getattr(row, "company", ""))),
        ("职务", getattr(row, "title", "")),
        ("角色", getattr(row, "role", "")),
        ("决策权重", getattr(row, "decision_weight", None)),
        ("行业", getattr(row, "industry", "")),
        ("手机", show_phone(number) if full else mask_phone(number)),
        ("座机", show_phone(landline) if full else mask_phone(landline)),
        ("微信号", hidden(getattr(row, "wechat_id", None))),
        ("邮箱", hidden(getattr(row, "email", None))),
        ("生日", (getattr(row, "birthday", None) or "").replace("lunar:", "农历")),
        ("地区", getattr(row, "region", "")),
        ("来源", getattr(row, "source", "")),
        ("需求", getattr(row, "need", "") if full else hide_marks(getattr(row, "need", ""))),
    ]


async def _relations(ctx: ChatContext, subject: Subject) -> list[tuple[str, object]]:
    owner = await Employee.get_or_none(id=subject.owner_id) if subject.owner_id else None
    lines: list[tuple[str, object]] = [("负责人", owner.name if owner else "公海")]
    if subject.kind == "contact":
        contact = await access.load(Contact, ctx.actor, subject.id)
        customer = await Customer.get_or_none(id=contact.customer_id)
        lines.append(("客户", customer.name if customer and customer.name != contact.name else ""))
        lines.append(("上级", next(iter((await contacts.superiors_of([contact])).values()), "")))
    if subject.person_id is not None:
        lines.append(("标签", "、".join(await tags_of(subject.person_id))))
        now = ctx.core.clock.now()
        lines += [("渠道", _reach_words(ctx, account, now)) for account in await accounts_of(subject.person_id)]
    return lines


async def _around(ctx: ChatContext, row: Customer) -> list[tuple[str, object]]:
    """Tell what stands around a customer: tree, contacts, colleagues, life, worth, deals."""
    seen = await contacts.around(ctx.core, ctx.actor, row.id)
    superiors = await contacts.superiors_of(seen.contacts)
    more = f"等{seen.contact_count}位" if seen.contact_count > len(seen.contacts) else ""
    worth = await customer_values.appraisal_of(ctx.core, ctx.actor, row.id)
    likes = await purchases.list_purchases(ctx.actor, row.id, PurchaseKind.INTEREST, 3)
    since = f"（{replies.when(row.life_cycle_at, ctx.core.clock.now())}起）" if row.life_cycle_at else ""
    next_at = replies.when(row.next_contact_at, ctx.core.clock.now()).split(" ")[0] if row.next_contact_at else ""
    return [
        ("上级单位", " > ".join(unit.name for unit in seen.above)),
        ("下级单位", "、".join(unit.name for unit in seen.below[:5]) + ("…" if len(seen.below) > 5 else "")),
        ("联系人", "、".join(contacts.label(each, superiors) for each in seen.contacts) + more),
        ("协作人", "、".join(each.label for each in await sharing.list_shared(ctx.actor, row.id))),
        ("生命周期", f"{LIFE_CYCLE_LABELS[LifeCycle(row.life_cycle)]}{since}"),
        ("价值", f"{worth.value.grade}（{worth.value.points}分）"),
        ("联系节奏", f"每{worth.every_days}天，{worth.greeting}{f'；下次{next_at}' if next_at else ''}"),
        ("买过", "、".join(await _bought_things(ctx, row))),
        ("兴趣", "、".join(each.product for each in likes)),
        *(("商机", f"#{deal.id} {deal.name}{f'，{replies.money(deal.amount)}' if deal.amount else ''}") for deal in seen.deals),
    ]


def _reach_words(ctx: ChatContext, account: Account, now: datetime) -> str:
    label = ctx.core.channel_labels.get(account.channel, account.channel)
    reach = account.reach(ctx.core.reach.get(account.channel, ReachRule.always()), now)
    if account.unfollowed_at:
        told = "已取消关注"
    elif reach.left is None:
        told = "可主动发消息"
    else:
        told = f"还可发{reach.left}条" if reach.open else f"暂不能主动发，{reach.reopens_by}后可以"
    return "，".join([label, told, *(["已退订群发"] if account.opted_out_at else [])])


async def _past(ctx: ChatContext, row: Any, subject: Subject, *, full: bool) -> list[tuple[str, object]]:
    now = ctx.core.clock.now()
    found = await activities.history(subject, 3)
    known = (row.mobile, row.landline, row.wechat_id, row.email) if isinstance(row, Lead) else ()
    shown: Callable[[str], str] = (lambda text: text) if full else partial(hide_marks, known=known)
    return [
        ("跟进", f"{replies.when(each.at, now)} {METHOD_LABELS[Method(each.method)]} {shown(each.summary)[:40]}")
        for each in found
    ]


async def undo_correction(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Put a corrected field back."""
    await corrections.undo(ctx.core, ctx.actor, ids[0])
    return replies.text("已撤销，改回原来的内容")


_KINDS = ("lead", "customer", "contact")


async def recognise_correction(core: Core, actor: Actor, words: str) -> dict[str, object] | None:
    """See "把A公司的行业改成制造业" and "张伟 预算等级 高": a field of the house, and somebody of that name."""
    found = _CORRECTION.fullmatch(words) or _PLAIN.fullmatch(words)
    if found is None:
        return None
    kinds = [kind for kind in _KINDS if corrections.fits(core, kind, found["field"])]
    # Without a verb only own fields and roles are meant; "张伟 电话 聊过了" is a follow-up.
    if found.re is _PLAIN:
        kinds = [kind for kind in kinds if _is_own(core, kind, found["field"])]
    # Of a lead too where only customers have the field: that is told, and nothing else made of it.
    if not kinds or not await is_known(actor, found["who"], {*kinds, "lead"} if found.re is _CORRECTION else kinds):
        return None
    return {"who": found["who"], "field": found["field"], "value": found["value"].strip()}


def _is_own(core: Core, kind: str, name: str) -> bool:
    own = core.settings.fields.find(kind, name)
    return own is not None or (kind == "contact" and name in ("角色", "决策权重"))


@command(
    intent="correct_field",
    usage="改资料 云帆科技 行业 制造业",
    roles=SELLING,
    phrases=("改资料",),
    undo=("field.correct", undo_correction),
    recognise=recognise_correction,
)
async def correct_field(ctx: ChatContext) -> Reply:
    """改资料和自定义字段，也可以说 把A公司的行业改成制造业、张伟 预算等级 高"""
    if "field" not in ctx.slots:
        found = _PLAIN.fullmatch(ctx.slot("words")) or _CORRECTION.fullmatch(ctx.slot("said"))
        if found is None:
            raise Invalid(field="改资料", reason="请写成：把A公司的行业改成制造业")
        ctx.slots |= {"who": found["who"], "field": found["field"], "value": found["value"].strip()}
    name, value = ctx.slot("field"), ctx.slot("value").strip(" 。")
    kinds = [kind for kind in _KINDS if corrections.fits(ctx.core, kind, name)]
    if not kinds:
        custom_fields.field_named(ctx.core, "customer", name)
    subject = await pick_any(ctx, ctx.slot("who"), kinds)
    set_id = await corrections.correct(ctx.core, ctx.actor, subject.kind, subject.id, name, value)
    shown = mask_phone(value) if name in ("手机", "电话", "座机") and ctx.message.in_group else value
    undo = Undo("field.correct", (set_id, _KINDS.index(subject.kind), subject.id))
    return replies.text(f"已更新：{subject.name} {name}：{shown}", undo)


async def recognise_question(core: Core, actor: Actor, words: str) -> dict[str, object] | None:
    """See "云帆科技买过什么" of a customer of that name."""
    for asked, form in _QUESTIONS.items():
        found = form.fullmatch(words)
        if found and await is_known(actor, found["who"]):
            return {"who": found["who"], "asked": asked}
    return None


@command(
    intent="ask_customer",
    usage="客户档案 云帆科技",
    roles=EVERYBODY,
    phrases=("客户档案",),
    forms=(rf"(?P<total>{_HOW_MANY})",),
    recognise=recognise_question,
)
async def ask_customer(ctx: ChatContext) -> Reply:
    """问客户档案：有多少客户、什么行业、在哪里、买过什么、欠多少"""
    if "total" in ctx.slots or not (ctx.slot("who") or ctx.slot("words")):
        return await _how_many(ctx)
    row = await pick_customer(ctx, ctx.slot("who") or ctx.slot("words"))
    asked = ctx.slot("asked")
    lines = {
        "industry": f"行业：{row.industry or '未填'}",
        "region": f"地区：{row.region or '未填'}",
        "bought": await _bought(ctx, row),
        "owed": await _owed(ctx, row),
    }
    told = [lines[asked]] if asked else list(lines.values())
    return replies.text("\n".join([f"【{row.name}】", *told]) if len(told) > 1 else f"{row.name}，{told[0]}")


async def _how_many(ctx: ChatContext) -> Reply:
    query = access.visible(Customer, ctx.actor)
    total = await query.count()
    if not total:
        return replies.text("还没有客户。可以说：新线索 张伟 东风机械厂 13800138000")
    units = await query.filter(kind="organisation").count()
    own = await query.filter(owner_id=ctx.actor.employee_id).count() if ctx.actor.employee_id else 0
    return replies.text(f"能看到的客户共{total}家：单位{units}家，个人{total - units}家；自己名下{own}家。")


async def _bought(ctx: ChatContext, row: Customer) -> str:
    return f"买过：{'、'.join(await _bought_things(ctx, row)) or '还没有记录'}"


async def _bought_things(ctx: ChatContext, row: Customer) -> list[str]:
    """List what was noted as bought, and the won deals, which count as purchases by themselves."""
    noted = [purchases.line(each) for each in await purchases.list_purchases(ctx.actor, row.id, PurchaseKind.BOUGHT)]
    deals = await access.visible(Opportunity, ctx.actor).filter(customer_id=row.id, status="won").order_by("-won_at").limit(10)
    noted += [f"{deal.product or deal.name}{f' {replies.money(deal.amount)}' if deal.amount else ''}" for deal in deals]
    return noted


async def _owed(ctx: ChatContext, row: Customer) -> str:
    own = dict(await custom_fields.shown_of(ctx.core, "customer", row.id))
    return f"欠款：{replies.money(own['欠款'])}" if "欠款" in own else "欠款：未填，可以说：把客户名的欠款改成1万"


async def undo_changes(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take a change set back."""
    done = await change_sets.undo(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销，{done.rows}条记录恢复原样" + (f"，{done.left}处之后有改动，保持现状" if done.left else ""))


@command(
    intent="delete_customer",
    usage="删除客户 云帆科技",
    roles=SELLING,
    phrases=("删除客户",),
    undo=("customer.delete", undo_changes),
)
async def delete_customer(ctx: ChatContext) -> Reply:
    """删除客户（只做标记，可撤销）"""
    row = await pick_customer(ctx, ctx.slot("words"))
    if "sure" not in ctx.slots:
        ctx.slots["customer"] = row.id
        deals = await deletion.count_deals(row.id)
        more = f"、{deals}个商机" if deals else ""
        raise ctx.ask_yes(f"删除客户「{row.name}」和它的联系人{more}？记录会保留，24小时内可撤销。（是/否）", slot="sure")
    row, changes = await deletion.delete_customer(ctx.core, ctx.actor, row.id)
    return replies.text(f"已删除：{row.name}。回复“撤销”可恢复。", Undo("customer.delete", (changes.id,)))


_SHARE = re.compile(
    r"(?P<who>\S{2,30})\s*(?:共享)?(?:给|和|与)\s*(?P<to>\S{1,16}?)(?P<write>[\s，,（(]*(?:可改|可写|可以改|可修改)[）)]?)?"
)


@command(
    intent="share_customer",
    usage="共享 云帆科技 给 小李 可改",
    roles=SELLING,
    phrases=("共享", "共享客户"),
    forms=(r"把(?P<who>[^\s，,。]{2,30}?)共享给(?P<to>[^\s，,。]{1,16}?)(?P<write>[\s，,]*(?:可改|可写|可以改|可修改))?",),
    undo=("customer.share", undo_changes),
)
async def share_customer(ctx: ChatContext) -> Reply:
    """把客户共享给同事协作"""
    if "who" not in ctx.slots:
        found = _SHARE.fullmatch(ctx.slot("words"))
        if found is None:
            raise Invalid(field="共享", reason="请写成：共享 A公司 给 小李，可改的话加上“可改”")
        ctx.slots |= {name: value for name, value in found.groupdict().items() if value}
    row = await pick_customer(ctx, ctx.slot("who"))
    colleague = await colleagues.one_called(ctx.actor, ctx.slot("to"))
    may_write = bool(ctx.slot("write"))
    _, set_id = await sharing.share(ctx.core, ctx.actor, row.id, colleague.id, may_write=may_write)
    what = "可查看、跟进和修改" if may_write else "可查看和跟进"
    return replies.text(f"已共享：{row.name} → {colleague.name}（{what}）", Undo("customer.share", (set_id,)))


@command(
    intent="unshare_customer",
    usage="取消共享 云帆科技 小李",
    roles=SELLING,
    phrases=("取消共享",),
    undo=("customer.unshare", undo_changes),
)
async def unshare_customer(ctx: ChatContext) -> Reply:
    """取消客户共享"""
    who, _, name = ctx.slot("words").partition(" ")
    if not name.strip():
        raise Invalid(field="取消共享", reason="请写成：取消共享 A公司 小李")
    row = await pick_customer(ctx, who)
    colleague = await colleagues.one_called(ctx.actor, name.strip(), departed=True)
    set_id = await sharing.unshare(ctx.core, ctx.actor, row.id, colleague.id)
    return replies.text(f"已取消共享：{row.name}，{colleague.name}不再可见", Undo("customer.unshare", (set_id,)))


@command(intent="list_collaborators", usage="协作人 云帆科技", roles=EVERYBODY, phrases=("协作人",))
async def list_collaborators(ctx: ChatContext) -> Reply:
    """看客户共享给了谁"""
    row = await pick_customer(ctx, ctx.slot("words"))
    found = await sharing.list_shared(ctx.actor, row.id)
    if not found:
        return replies.text(f"{row.name}没有共享给任何人。可以说：共享 {row.name} 给 小李")
    return replies.text(f"{row.name}的协作人：{'、'.join(each.label for each in found)}")
