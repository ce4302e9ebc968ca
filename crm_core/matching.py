"""Who is there already (查重): over leads, contacts and customers, company-wide, without telling what is not the asker's.

`find_duplicates` reads; `ask` is what a person asks, whole numbers and names only, and is written down. Rules and weights
stand in match_rules.py, the search in candidates.py.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crm_core import access, candidates
from crm_core.access import Actor
from crm_core.candidates import Record
from crm_core.customers import Contact, Customer
from crm_core.db import Entity
from crm_core.employees import Employee
from crm_core.errors import Conflict, Invalid
from crm_core.leads import Lead
from crm_core.match_rules import COMPANY, DOUBTFUL, HARD, PERSON, SAME, SOFT, Facts, Rule, Verdict, in_common, judge
from crm_core.name_keys import plain_name
from crm_core.ports import Core, Program
from crm_core.rule_book import in_force
from crm_core.values import mask_phone, mask_text, normalize_phone

MODELS: dict[str, type[Entity]] = {"lead": Lead, "contact": Contact, "customer": Customer}
NOUN_LABELS = {"lead": "线索", "contact": "联系人", "customer": "客户"}
NAME_ALONE = Rule(("name",), action=DOUBTFUL, weight=30)
"""Holds only for a question about a name and nothing else."""
COMPANY_ALONE = Rule(("company",), action=DOUBTFUL, weight=30)
"""The same for a company that is no customer yet: who has asked from there."""
_EXACT = frozenset({"mobile", "email", "wechat_id", "unionid", "account", "credit_code", "landline", "name", "company"})
"""What a foreign record may be found by: somebody who asks with half a name must not learn whether there is a whole one."""


_TOLD = frozenset(f"{HARD[name]}相同" if name in HARD else SOFT[name] for name in _EXACT)
"""The reasons of those."""


class LeadDuplicate(Conflict):
    """A number or id of a new lead is known already."""

    code = "lead.duplicate"
    text = "{known}，没有重复录入"


class CustomerDuplicate(Conflict):
    """This company is a customer already, whatever form its name was written in."""

    code = "customer.duplicate"
    text = "{known}，没有重复建客户"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A record that may be the same. Of a foreign one (`visible` False) only owner and masked phone may be told."""

    kind: str
    id: int
    person_id: int | None
    name: str
    company: str
    owner_id: int | None
    owner: str
    phone: str | None
    verdict: Verdict
    visible: bool
    status: str = ""
    confidential: bool = False
    """Another unit's: that it is there is all that may be told."""

    @property
    def score(self) -> int:
        """How sure it is, up to 100."""
        return self.verdict.score

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in Chinese."""
        return self.verdict.reasons

    def sentence(self) -> str:
        """Say it as far as the asker may know: 已有，归属：小王，138****5678."""
        if self.confidential:
            return "已有，请联系总部"
        whose = f"归属：{self.owner}" if self.owner else "在公海"
        phone = mask_phone(self.phone)
        first = "已有"
        if self.visible:
            company = f"（{self.company}）" if self.company and self.company != self.name else ""
            first = f"已有{NOUN_LABELS[self.kind]} #{self.id}：{self.name}{company}"
        return "，".join([first, whose, *([phone] if phone else [])])


async def find_duplicates(
    core: Core,
    actor: Actor,
    *,
    name: str = "",
    company: str = "",
    mobile: str | None = None,
    landline: str | None = None,
    wechat_id: str | None = None,
    email: str | None = None,
    credit_code: str | None = None,
    source: str = "",
    campaign: str = "",
    region: str = "",
    exclude: tuple[str, int] | None = None,
    limit: int = 5,
) -> list[Duplicate]:
    """List records that may be the same, the surest first. Reads only; `exclude` is a (kind, id)."""
    ids = {"wechat_id": wechat_id, "email": email, "credit_code": credit_code}
    told = {kind: frozenset({value.strip().lower()}) for kind, value in ids.items() if value and value.strip()}
    if "credit_code" in told:
        told["credit_code"] = frozenset({str(credit_code).strip().upper()})
    for kind, number in (("mobile", mobile), ("landline", landline)):
        phone = normalize_phone(number) if number else None
        if phone:
            told[kind] = frozenset({phone})
    facts = Facts(name.strip(), company.strip(), region, source, campaign, core.clock.now(), told)
    return await compare(core, actor, facts, exclude=exclude, limit=limit)


async def ask(core: Core, actor: Actor, **values: Any) -> list[Duplicate]:
    """Answer somebody's question whether a customer is there (查重); who asked and what stands in the audit trail.

    Raises: Invalid without a whole number or a whole name.
    """
    access.require(actor, "duplicates:read")
    for kind in ("mobile", "landline"):
        if values.get(kind) and normalize_phone(str(values[kind])) is None:
            raise Invalid(field=kind, reason="请给出完整的号码")
    names = [plain_name(values.get(kind)) for kind in ("name", "company") if values.get(kind)]
    if any(len(name) < 2 for name in names) or not any(values.values()):
        raise Invalid(field="name", reason="请给出完整的姓名、公司或号码")
    found = await find_duplicates(core, actor, **values)
    async with core.db.transaction():
        asked = {kind: _for_audit(kind, str(value)) for kind, value in values.items() if value and isinstance(value, str)}
        await access.record(core, actor, "duplicates.ask", ("duplicates", None), after={**asked, "found": len(found)})
    return found


async def same_company(core: Core, actor: Actor, name: str, *, credit_code: str | None = None) -> Duplicate | None:
    """Tell the customer that is this company already, whoever has it (客户名称排重); None when there is none."""
    found = await find_duplicates(core, actor, company=name, credit_code=credit_code, limit=20)
    return next((one for one in found if one.kind == "customer" and one.verdict.action == SAME), None)


async def refuse_same_company(core: Core, actor: Actor, name: str, *, credit_code: str | None = None) -> None:
    """Refuse a second record of one company. Raises: CustomerDuplicate, which tells what the asker may know."""
    known = await same_company(core, actor, name, credit_code=credit_code)
    if known is not None:
        shown = {"id": known.id} if known.visible else {}
        raise CustomerDuplicate(known=known.sentence(), owner=known.owner, **shown)


async def refuse_known(core: Core, actor: Actor, **values: Any) -> None:
    """Refuse a lead whose number or id is known already. Raises: LeadDuplicate, which tells what the asker may know."""
    names = ("name", "company", "mobile", "landline", "wechat_id", "email", "source", "campaign")
    found = await find_duplicates(core, actor, **{name: values[name] for name in names if values.get(name)})
    hard = next((one for one in found if one.verdict.hard and not one.verdict.conflicts), None)
    if hard is not None:
        shown = {"kind": hard.kind, "id": hard.id} if hard.visible else {}
        raise LeadDuplicate(known=hard.sentence(), owner=hard.owner, reasons="、".join(hard.reasons), **shown)


async def compare(
    core: Core, actor: Actor, facts: Facts, *, exclude: tuple[str, int] | None = None, limit: int = 5
) -> list[Duplicate]:
    """Do the same for the facts of a record."""
    judged = await core.db.read(judged_candidates(core, facts, exclude=exclude))
    shown: dict[tuple[str, int], bool] = await _visible(actor, [record for record, _ in judged])
    near = core.settings.identity.near_percent
    kept = [
        (record, verdict)
        for record, verdict in judged
        if shown[record.noun, record.id] or in_common(facts, record.facts, near) & _EXACT - {"region"}
    ][:limit]
    hidden = await _confidential(actor, [record for record, _ in kept if not shown[record.noun, record.id]])
    # That another unit has somebody of a name is told nobody; of a number or company it is, so that none is entered twice.
    kept = [
        (record, verdict)
        for record, verdict in kept
        if (record.noun, record.id) not in hidden or in_common(facts, record.facts, near) & _EXACT - {"name"}
    ]
    owners = {record.owner_id for record, _ in kept if record.owner_id is not None and (record.noun, record.id) not in hidden}
    names = dict(await Employee.filter(id__in=list(owners)).values_list("id", "name")) if owners else {}
    return [
        Duplicate(
            kind=record.noun,
            id=record.id,
            person_id=record.person_id,
            name=record.name,
            company=record.company,
            owner_id=None if (record.noun, record.id) in hidden else record.owner_id,
            owner=str(names.get(record.owner_id, "")),
            phone=None if (record.noun, record.id) in hidden else record.phone,
            verdict=verdict if shown[record.noun, record.id] else replace(verdict, reasons=_known_anyway(verdict.reasons)),
            visible=shown[record.noun, record.id],
            status=record.status,
            confidential=(record.noun, record.id) in hidden,
        )
        for record, verdict in kept
    ]


def _known_anyway(reasons: Iterable[str]) -> tuple[str, ...]:
    """Keep of the reasons what whoever asked with the whole value knows already, and nothing about what is alike."""
    return tuple(reason for reason in reasons if reason in _TOLD)


def judged_candidates(
    core: Core, facts: Facts, *, exclude: tuple[str, int] | None = None, persons: bool = True
) -> Program[list[tuple[Record, Verdict]]]:
    """Find and weigh what may be the same, the surest first, the older of equals first; `persons` False: companies alone."""
    rules = yield from in_force(core)
    if facts.name and not facts.ids and not facts.company and not facts.accounts:
        rules.append(NAME_ALONE)
    of_company = bool(facts.company) and not (facts.ids or facts.name or facts.accounts)
    if of_company:
        rules.append(COMPANY_ALONE)
    found = yield from candidates.gather(facts, rules, exclude=exclude, persons=persons)
    near = core.settings.identity.near_percent
    judged = [
        (record, judge(facts, record.facts, rules, kind=COMPANY if record.noun == "customer" else PERSON, near_percent=near))
        for record in found
        # A person who is a customer is compared as the contact they are: two of one name are no company.
        if record.noun != "customer" or record.status != "person"
    ]
    fitting = [(record, verdict) for record, verdict in judged if verdict.action]
    if of_company and any(record.noun == "customer" for record, _ in fitting):
        fitting = [pair for pair in fitting if pair[0].noun == "customer"]  # it stands for everybody there
    return sorted(fitting, key=lambda pair: (-pair[1].score, pair[0].created_at, pair[0].id))


def facts_of(noun: str, number: int) -> Program[Record | None]:
    """Give the record a number answers with, with everything it can be compared by; None for one that is not there."""
    found = yield from candidates.load(noun, [number])
    return found[0] if found else None


def hard_matches(pairs: Iterable[tuple[str, str]]) -> Program[dict[tuple[str, str], tuple[str, int, int | None]]]:
    """Tell for many (kind of id, value) at once whom each belongs to: (kind of record, id, person id).

    For a page of rows in a few statements. Merged records answer with the surviving one, converted leads with their contact;
    values as stored (E.164, e-mail and WeChat id in any case).
    """
    wanted: dict[str, set[str]] = defaultdict(set)
    for kind, value in pairs:
        wanted[kind].add(value.lower() if kind in ("email", "wechat_id") else value)
    found: dict[tuple[str, str], tuple[str, int, int | None]] = {}
    for kind, values in wanted.items():
        for page in _pages(sorted(values)):
            yield from _owners_of(kind, page, found)
    return found | {(kind, value): found[kind, value.lower()] for kind, value in pairs if (kind, value.lower()) in found}


_WHOSE = {
    "contact": "'contact', s.id",
    "lead": "CASE WHEN s.contact_id IS NULL THEN 'lead' ELSE 'contact' END, coalesce(s.contact_id, s.id)",
}
"""By table, what a row `t` answers with, which was merged into `s` or is it."""
_STANDING = {
    "contact": " AND s.deleted_at IS NULL",
    "lead": " AND NOT EXISTS (SELECT 1 FROM contacts d WHERE d.id = s.contact_id AND d.deleted_at IS NOT NULL)",
}


def _owners_of(kind: str, values: Sequence[str], found: dict[tuple[str, str], tuple[str, int, int | None]]) -> Program[None]:
    marks = ", ".join("?" * len(values))
    if kind == "credit_code":
        rows = yield (
            "SELECT t.credit_code, 'customer', s.id, NULL FROM customers t JOIN customers s"  # noqa: S608
            " ON s.id = coalesce(t.merged_into_id, t.id) AND s.deleted_at IS NULL"
            f" WHERE t.credit_code IN ({marks}) ORDER BY t.id",
            values,
        )
        found.update({(kind, row[0]): row[1:] for row in reversed(rows)})
        return
    survivor = "coalesce(p.merged_into_id, t.person_id)"
    for noun, table in (("contact", "contacts"), ("lead", "leads")):
        rows = yield (
            f"SELECT {_column_of(kind)}, {_WHOSE[noun]}, {survivor} FROM {table} t JOIN people p ON p.id = t.person_id"  # noqa: S608
            f" JOIN {table} s ON s.id = coalesce(t.merged_into_id, t.id){_STANDING[noun]}"
            f"{_joined(kind)} WHERE {_column_of(kind)} IN ({marks}){_present(kind)} ORDER BY t.id",
            values,
        )
        for value, owner, record_id, person_id in rows:
            found.setdefault((kind, value), (owner, int(record_id), person_id))


def _column_of(kind: str) -> str:
    if kind in ("account", "unionid"):
        return "a.external_id" if kind == "account" else "f.unionid"
    return f"lower(t.{kind})" if kind in ("email", "wechat_id") else f"t.{kind}"


def _present(kind: str) -> str:
    # Without it SQLite does not see that the index over the rows that have one holds all that is asked for.
    if kind == "unionid":
        return " AND f.unionid <> ''"
    return f" AND t.{kind} IS NOT NULL" if kind in ("email", "wechat_id", "landline") else ""


def _joined(kind: str) -> str:
    if kind not in ("account", "unionid"):
        return ""
    accounts = " JOIN accounts a ON a.person_id = t.person_id AND a.person_kind = 'customer'"
    return accounts if kind == "account" else f"{accounts} JOIN followers f ON f.account_id = a.id"


async def _visible(actor: Actor, records: Sequence[Record]) -> dict[tuple[str, int], bool]:
    seen: dict[tuple[str, int], bool] = {(record.noun, record.id): actor.sees_all for record in records}
    for noun in {record.noun for record in records} if not actor.sees_all else ():
        numbers = [record.id for record in records if record.noun == noun]
        for number in await access.visible(MODELS[noun], actor).filter(id__in=numbers).values_list("id", flat=True):
            seen[noun, int(number)] = True  # type: ignore[call-overload]
    return seen


async def _confidential(actor: Actor, records: Sequence[Record]) -> set[tuple[str, int]]:
    """Tell which of these belong to another unit (保密): its leads, and who became a customer out of them."""
    found: set[tuple[str, int]] = set()
    for noun in {record.noun for record in records}:
        numbers = [record.id for record in records if record.noun == noun]
        found |= {(noun, number) for number in await confidential(actor, noun, numbers)}
    return found


async def confidential(actor: Actor, noun: str, numbers: Sequence[int]) -> set[int]:
    """Tell which records of one noun are another unit's (保密), whose name must not be told either."""
    column = "id" if noun == "lead" else f"{noun}_id"
    of_units: Any = {f"{column}__in": list(numbers), "department_id__isnull": False}
    rows = await Lead.filter(**of_units).values_list(column, "department_id")
    return {int(str(number)) for number, unit in rows if access.is_confidential(actor, int(str(unit)))}


def _for_audit(kind: str, value: str) -> str | None:
    if kind in ("mobile", "landline"):
        return mask_phone(normalize_phone(value) or value)
    return mask_text(value) if kind in ("wechat_id", "email") else value[:32]


def _pages(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[first : first + 400] for first in range(0, len(values), 400))
