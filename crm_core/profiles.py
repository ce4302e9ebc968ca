"""The profile of a person (客户画像): composed of fields, tags and what happened, each line with where it comes from.

A handful of look-ups by number, whatever the size of the house. Reading order: `profile`, the parts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm_core import access, timeline
from crm_core.access import Actor, sees_personal
from crm_core.accounts import Account
from crm_core.clock import local_day
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee
from crm_core.errors import NotFound
from crm_core.identity import Person
from crm_core.leads import LEAD_STATUS_LABELS, QUALIFICATION_LABELS, Lead, LeadStatus, Qualification
from crm_core.life_cycle_rules import life_cycle_label
from crm_core.pool_claims import show_leads
from crm_core.ports import Core, Program
from crm_core.said_mobiles import hide_marks
from crm_core.values import mask_phone, mask_text, show_phone

RECENT = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the card: what, its value, and where it was taken from."""

    label: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A person's card."""

    person_id: int
    name: str
    kind: str
    lines: tuple[Line, ...]


async def profile(core: Core, actor: Actor, person_id: int, *, others_read: bool = False) -> Profile:
    """Compose the card of a person the actor may see; numbers masked for whom they must be.

    Raises: NotFound; ViewCapReached for a lead of the pool.

    `others_read`: in a group, where nobody sees a number in full.
    """
    access.require(actor, "contacts:read")
    number = person_id
    contact = await access.visible(Contact, actor).get_or_none(person_id=number)
    lead = await (Lead.all() if contact else access.visible(Lead, actor)).get_or_none(person_id=number)
    if contact is not None and lead is None:  # one that was attached to them
        lead = await Lead.filter(contact_id=contact.id).order_by("id").first()
    if contact is None and lead is None:
        person = await Person.get_or_none(id=person_id)
        if person is None or person.merged_into_id is None:
            raise NotFound
        return await profile(core, actor, person.merged_into_id, others_read=others_read)
    customer = await Customer.get_or_none(id=contact.customer_id) if contact and contact.customer_id else None
    row: Contact | Lead = contact or lead  # type: ignore[assignment]  # one of both is there
    full = sees_personal(actor, row.owner_id) and not others_read
    if contact is None and lead is not None:
        await show_leads(core, actor, [lead])
    lines = [
        *_fields(contact, lead, customer, full=full),
        *await _owner(row),
        *_score(row, customer),
        *await core.db.read(_own_fields(contact, lead)),
        *await core.db.read(_tags(number)),
        *await _channels(core, number),
        *await core.db.read(_deals(customer)),
        *await _recent(core, actor, contact, lead),
    ]
    return Profile(number, row.name, "contact" if contact else "lead", tuple(line for line in lines if line.value))


def _fields(contact: Contact | None, lead: Lead | None, customer: Customer | None, *, full: bool) -> list[Line]:
    hidden: Callable[[str | None], str | None] = (lambda value: value) if full else mask_text
    number: Callable[[str | None], str | None] = show_phone if full else mask_phone
    found = []
    of_lead = f"线索#{lead.id}" if lead else ""
    own: Any = contact or lead
    of_own = f"联系人#{contact.id}" if contact else of_lead
    if customer:
        of_customer = f"客户#{customer.id}"
        found += [
            Line("客户", customer.name, of_customer),
            Line("行业", customer.industry, of_customer),
            Line("地区", customer.region, of_customer),
        ]
    elif lead:
        found += [Line("公司", lead.company, of_lead), Line("地区", lead.region, of_lead)]
    found += [
        Line("职务", own.title, of_own),
        Line("手机", number(own.mobile) or "", of_own),
        Line("座机", number(own.landline) or "", of_own),
        Line("微信号", hidden(own.wechat_id) or "", of_own),
        Line("邮箱", hidden(own.email) or "", of_own),
        Line("生日", (own.birthday or "").replace("lunar:", "农历"), of_own),
    ]
    if lead:
        found += [
            Line("来源", lead.source, of_lead),
            Line("需求", (lead.need if full or lead.owner_id else hide_marks(lead.need))[:60], of_lead),
        ]
        if contact is None:
            level = QUALIFICATION_LABELS.get(Qualification(lead.qualification), "")
            found.append(Line("状态", f"{LEAD_STATUS_LABELS[LeadStatus(lead.status)]}，{level}", of_lead))
    return found


async def _owner(row: Contact | Lead) -> list[Line]:
    owner = await Employee.get_or_none(id=row.owner_id) if row.owner_id else None
    return [Line("负责人", owner.name if owner else "公海", f"员工#{owner.id}" if owner else "无负责人")]


def _score(row: Contact | Lead, customer: Customer | None) -> list[Line]:
    found = []
    grade = getattr(row, "grade", "") or row.score_grade
    if row.score or grade:
        found.append(Line("评分", f"{row.score}分{f'，{grade}级' if grade else ''}", "评分规则，发“评分 姓名”看明细"))
    if customer:
        found += [
            Line("等级", customer.grade, f"客户#{customer.id}"),
            Line("价值等级", customer.value_grade, "客户价值计算"),
            Line("生命周期", _state(customer), customer.life_cycle_reason or "生命周期规则"),
        ]
    return found


def _state(customer: Customer) -> str:
    since = f"，自{local_day(customer.life_cycle_at)}" if customer.life_cycle_at else ""
    return f"{life_cycle_label(customer.life_cycle)}{since}"


def _own_fields(contact: Contact | None, lead: Lead | None) -> Program[list[Line]]:
    subjects = [("contact", contact.id), ("customer", contact.customer_id or 0)] if contact else []
    if lead:
        subjects.append(("lead", lead.id))
    found = []
    for kind, number in subjects:
        rows = yield (
            "SELECT name, text, number, on_date FROM field_values WHERE subject_kind = ? AND subject_id = ? ORDER BY id",
            (kind, number),
        )
        label = {"contact": "联系人", "customer": "客户", "lead": "线索"}[kind]
        found += [Line(str(name), str(text or day or _plain(amount)), f"{label}自定义字段") for name, text, amount, day in rows]
    return found


def _plain(number: Any) -> str:
    return "" if number is None else f"{float(number):g}"


def _tags(person_id: int) -> Program[list[Line]]:
    rows = yield (
        "SELECT g.name, t.manual FROM taggings t JOIN tags g ON g.id = t.tag_id WHERE t.person_id = ? ORDER BY t.id",
        (person_id,),
    )
    by_hand = "、".join(str(name) for name, manual in rows if manual)
    by_rule = "、".join(str(name) for name, manual in rows if not manual)
    return [Line("标签", by_hand, "手动"), Line("系统标签", by_rule, "标签规则")]


async def _channels(core: Core, person_id: int) -> list[Line]:
    found = []
    now = core.clock.now()
    for account in await Account.filter(person_id=person_id, person_kind="customer").order_by("id"):
        label = core.channel_labels.get(account.channel, account.channel)
        told = _standing(core, account, now)
        last = f"，最近来消息{local_day(account.last_inbound_at)}" if account.last_inbound_at else ""
        found.append(Line("渠道", f"{label}，{told}{last}", f"账号#{account.id}"))
    return found


def _standing(core: Core, account: Account, now: datetime) -> str:
    if account.opted_out_at:
        return "已退订群发"
    if account.unfollowed_at:
        return "已取消关注"
    rule = core.reach.get(account.channel)
    return "可主动发消息" if rule is None or account.reach(rule, now).open else "暂不能主动发"


def _deals(customer: Customer | None) -> Program[list[Line]]:
    if customer is None:
        return []
    rows = yield "SELECT status, count(*) FROM opportunities WHERE customer_id = ? GROUP BY status", (customer.id,)
    counts = dict(rows)
    told = [
        f"{label}{counts[status]}个"
        for status, label in (("open", "进行中"), ("won", "赢单"), ("lost", "输单"))
        if counts.get(status)
    ]
    return [Line("商机", "，".join(told), f"客户#{customer.id}的商机")]


async def _recent(core: Core, actor: Actor, contact: Contact | None, lead: Lead | None) -> list[Line]:
    if not access.may(actor, "messages:read"):
        return []
    found = await timeline.newest(core, actor, contact, lead, RECENT)
    return [
        Line(
            "最近",
            f"{local_day(entry.at)} {entry.text[:40]}{f'（{entry.who}）' if entry.who else ''}",
            f"{entry.label}#{entry.id}",
        )
        for entry in found
    ]
