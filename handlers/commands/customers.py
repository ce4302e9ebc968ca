"""A customer's, contact's or lead's card in one message."""

from datetime import datetime

from crm_core import access, activities
from crm_core.access import Role, sees_personal
from crm_core.accounts import Account
from crm_core.activities import METHOD_LABELS, SUBJECT_MODELS, Method, Subject
from crm_core.customers import Contact
from crm_core.employees import Employee
from crm_core.leads import LEAD_STATUS_LABELS, LeadStatus, accounts_of
from crm_core.reach import ReachRule
from crm_core.segments import tags_of
from crm_core.values import mask_phone, mask_text, show_phone
from handlers import replies
from handlers.replies import Reply
from handlers.router import ChatContext, command
from handlers.said_mobiles import hide_mobiles


@command(intent="show_contact", usage="看下张伟的资料", roles=frozenset(Role))
async def show_contact(ctx: ChatContext) -> Reply:
    """看客户资料"""
    subject = await ctx.pick_subject()
    if subject is None:
        name = ctx.slot("person") or ctx.slot("company")
        # The same of a colleague's customer as of nobody: who asks may not learn that there is one.
        return replies.text(f"没有找到「{name}」，请核对姓名或公司后再试")
    row = await access.load(SUBJECT_MODELS[subject.kind], ctx.actor, subject.id)
    full = sees_personal(ctx.actor, row.owner_id) and not ctx.message.in_group
    return replies.record(
        _headline(subject, row, full=full),
        [*_particulars(row, full=full), *await _relations(ctx, subject, row), *await _past(ctx, subject)],
    )


def _headline(subject: Subject, row: object, *, full: bool) -> str:
    kind = {"lead": "线索", "contact": "联系人", "customer": "客户"}[subject.kind]
    status = getattr(row, "status", "")
    label = f"，{LEAD_STATUS_LABELS[LeadStatus(status)]}" if subject.kind == "lead" else ""
    return f"【{subject.name if full else hide_mobiles(subject.name)}】{kind}{label}"


def _particulars(row: object, *, full: bool) -> list[tuple[str, object]]:
    number = getattr(row, "mobile", None)
    landline = getattr(row, "landline", None)
    hidden = (lambda value: value) if full else mask_text
    return [
        ("公司", getattr(row, "company", "") if full else hide_mobiles(getattr(row, "company", ""))),
        ("职务", getattr(row, "title", "")),
        ("手机", show_phone(number) if full else mask_phone(number)),
        ("座机", show_phone(landline) if full else mask_phone(landline)),
        ("微信号", hidden(getattr(row, "wechat_id", None))),
        ("邮箱", hidden(getattr(row, "email", None))),
        ("生日", (getattr(row, "birthday", None) or "").replace("lunar:", "农历")),
        ("地区", getattr(row, "region", "")),
        ("来源", getattr(row, "source", "")),
        ("需求", getattr(row, "need", "") if full else hide_mobiles(getattr(row, "need", ""))),
    ]


async def _relations(ctx: ChatContext, subject: Subject, row: object) -> list[tuple[str, object]]:
    owner = await Employee.get_or_none(id=subject.owner_id) if subject.owner_id else None
    lines: list[tuple[str, object]] = [("负责人", owner.name if owner else "公海")]
    if subject.kind == "customer":
        contacts = await access.visible(Contact, ctx.actor).filter(customer_id=subject.id).limit(10)
        lines.append(("联系人", "、".join(f"{each.name}{each.title and f'（{each.title}）'}" for each in contacts)))
    if subject.person_id is not None:
        lines.append(("标签", "、".join(await tags_of(subject.person_id))))
        now = ctx.core.clock.now()
        lines += [("渠道", _reach_words(ctx, account, now)) for account in await accounts_of(subject.person_id)]
    return lines


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


async def _past(ctx: ChatContext, subject: Subject) -> list[tuple[str, object]]:
    now = ctx.core.clock.now()
    rows = await activities.history(subject, 3)
    return [("跟进", f"{replies.when(row.at, now)} {METHOD_LABELS[Method(row.method)]} {row.summary[:40]}") for row in rows]
