"""Records that may be the same as one at hand: found by indexes alone, in a few statements, whatever the size.

Plain SQL, because the check of a new lead against a million others has milliseconds. Rows that were merged are found too, by
their own numbers and names, and stand for the record they were merged into. Reading order: `Record`, `gather`, `load`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rapidfuzz import fuzz

from crm_core.match_rules import PERSON, Facts, Rule
from crm_core.name_keys import company_key, person_key
from crm_core.ports import Program
from crm_core.rules import as_instant

MOST = 60
"""Candidates one index gives at most: of a namesake's thousand namesakes no more are looked at."""
NEIGHBOURS = 30
"""Names looked at on either side of a name in the order of the keys."""
_NAMES = frozenset({"name", "name_pinyin", "name_near"})
_COMPANIES = frozenset({"company", "company_core", "company_pinyin", "company_near", "region"})
_ALIKE = " AND coalesce(name_key, '') LIKE ?"
_PHONES = ("mobile", "landline")
_WORDS = ("email", "wechat_id")


@dataclass(frozen=True, slots=True)
class Record:
    """One lead, contact or customer as far as comparing, showing and choosing need it; `phone` is E.164."""

    noun: str
    id: int
    person_id: int | None
    name: str
    company: str
    owner_id: int | None
    phone: str | None
    status: str
    created_at: datetime
    touched_at: datetime
    customer_id: int | None
    facts: Facts


LEAST_ALIKE = 75
"""How alike two keys are at least for a closer look, in percent; the rules decide on the names."""
Found = dict[str, set[int]]
"""Numbers of records by noun."""


def gather(
    facts: Facts, rules: Sequence[Rule] = (), *, exclude: tuple[str, int] | None = None, persons: bool = True
) -> Program[list[Record]]:
    """Find what may be the same: people by ids and names, companies by theirs. `exclude`: the record itself.

    `rules` say whether a person is looked for by the name alone, and within what.
    """
    customers = yield from _companies(facts)
    found: Found = {"customer": customers}
    if persons:
        by_name = [rule for rule in rules if rule.kind == PERSON and _NAMES.issuperset(rule.all_of)]
        nameless = any(rule.kind == PERSON and _COMPANIES.issuperset(rule.all_of) for rule in rules)
        found["contact"] = yield from _contacts(facts, customers, by_name, nameless=nameless)
        found["lead"] = yield from _leads(facts, by_name, nameless=nameless)
        yield from _by_accounts(facts, found)
    records: list[Record] = []
    for noun in ("lead", "contact", "customer"):
        records += yield from load(noun, found.get(noun, set()), found)
    return [record for record in records if (record.noun, record.id) != exclude]


def load(noun: str, numbers: Iterable[int], found: Found | None = None) -> Program[list[Record]]:
    """Load records by number, each with the ids of everything merged into it.

    A converted lead stands for its contact: it is left out, and the contact's number goes into `found`.
    """
    rows = yield from _rows(noun, sorted(numbers))
    groups: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row[_AT["merged"]] or row[0]].append(row)
    records = []
    heads = {root: next((row for row in group if row[0] == root), None) for root, group in groups.items()}
    accounts = yield from _accounts([head[1] for head in heads.values() if head and head[1]])
    for root, group in groups.items():
        head = heads[root]
        if head is None:
            continue
        if noun == "lead" and head[_AT["contact"]] is not None and found is not None:
            found.setdefault("contact", set()).add(head[_AT["contact"]])
            continue
        records.append(_record(noun, head, group, *accounts.get(head[1], (frozenset(), frozenset()))))
    return records


def _leads(facts: Facts, by_name: Sequence[Rule], *, nameless: bool) -> Program[set[int]]:
    branches = _by_ids("leads", facts)
    person, company = person_key(facts.name), company_key(facts.company)
    if person and company:
        branches.append(("name_key = ? AND name_key <> '' AND company_key = ?", (person, company)))
    if person and facts.region:
        branches.append(("name_key = ? AND name_key <> '' AND region = ?", (person, facts.region)))
    branches += [_by_name(person, facts, rule) for rule in by_name if person]
    if company and (person or nameless):
        branches.append((f"company_key = ? AND company_key <> ''{_ALIKE}", (company, _alike(person, nameless=nameless))))
    return (yield from _union("leads", branches))


def _by_name(person: str, facts: Facts, rule: Rule) -> tuple[str, Sequence[object]]:
    where, values = "name_key = ? AND name_key <> ''", [person]
    for column, wanted, value in (("source", rule.same_source, facts.source), ("campaign", rule.same_campaign, facts.campaign)):
        if wanted:
            where, values = f"{where} AND {column} = ?", [*values, value]
    return where, values


def _alike(person: str, *, nameless: bool) -> str:
    """Give the pattern of the names looked at among the people of one company: of the same surname, by its sound."""
    return "%" if nameless else f"{person.partition(' ')[0]}%"


def _contacts(facts: Facts, customers: set[int], by_name: Sequence[Rule], *, nameless: bool) -> Program[set[int]]:
    branches = _by_ids("contacts", facts)
    person = person_key(facts.name)
    if customers and (person or nameless):
        marks = ", ".join("?" * len(customers))
        pattern = _alike(person, nameless=nameless)
        branches.append((f"customer_id IN ({marks}){_ALIKE}", (*sorted(customers), pattern)))
    if person and any(not rule.same_source and not rule.same_campaign for rule in by_name):
        branches.append(("name_key = ? AND name_key <> ''", (person,)))
    return (yield from _union("contacts", branches))


def _companies(facts: Facts) -> Program[set[int]]:
    key = company_key(facts.company)
    branches: list[tuple[str, Sequence[object]]] = [("credit_code = ?", (code,)) for code in sorted(facts.of("credit_code"))]
    if key:
        branches.append(("name_key = ? AND name_key <> ''", (key,)))
    found = yield from _union("customers", branches)
    if key:
        # A name that differs in its end stands close by in the order of the keys.
        for sign, order in ((">=", "ASC"), ("<", "DESC")):
            rows = yield (
                f"SELECT id, name_key FROM customers WHERE name_key <> '' AND name_key {sign} ?"  # noqa: S608 - two fixed words
                f" ORDER BY name_key {order} LIMIT {NEIGHBOURS}",
                (key,),
            )
            found |= {number for number, name_key in rows if fuzz.ratio(key, name_key) >= LEAST_ALIKE}
    return found


def _by_ids(table: str, facts: Facts) -> list[tuple[str, Sequence[object]]]:
    found: list[tuple[str, Sequence[object]]] = []
    for column in _PHONES:
        found += [(f"{column} = ?", (value,)) for value in sorted(facts.of(column))]
    for column in _WORDS:
        found += [(f"lower({column}) = ? AND {column} IS NOT NULL", (value,)) for value in sorted(facts.of(column))]
    return found


def _union(table: str, branches: Sequence[tuple[str, Sequence[object]]]) -> Program[set[int]]:
    if not branches:
        return set()
    # Each branch by itself, so that each uses its own index.
    parts = [
        f"SELECT id FROM (SELECT id FROM {table} WHERE {where} LIMIT {MOST}) b{number}"  # noqa: S608 - our own names
        for number, (where, _) in enumerate(branches)
    ]
    rows = yield " UNION ".join(parts), [value for _, values in branches for value in values]
    return {int(number) for (number,) in rows}


def _by_accounts(facts: Facts, found: Found) -> Program[None]:
    """Add whoever has an account of the same id on another channel, or of the same person by the platform's word."""
    branches: list[tuple[str, object]] = [
        (
            "SELECT person_id FROM accounts WHERE external_id = ? AND person_kind = 'customer' AND person_id IS NOT NULL",
            external,
        )
        for external in sorted(facts.of("account"))
    ]
    branches += [
        (
            "SELECT a.person_id FROM followers f JOIN accounts a ON a.id = f.account_id"
            " WHERE f.unionid = ? AND f.unionid <> ''",
            one,
        )
        for one in sorted(facts.of("unionid"))
    ]
    if not branches:
        return
    rows = yield " UNION ".join(sql for sql, _ in branches), [value for _, value in branches]
    people = [number for (number,) in rows if number is not None]
    if not people:
        return
    marks = ", ".join("?" * len(people))
    for noun, table in (("lead", "leads"), ("contact", "contacts")):
        rows = yield f"SELECT id FROM {table} WHERE person_id IN ({marks})", people  # noqa: S608 - our own names
        found[noun] |= {int(number) for (number,) in rows}


_AT = {"merged": 2, "status": 5, "created": 6, "touched": 7, "contact": 8, "customer": 9, "credit": 10}
_HEAD = "SELECT l.id, {person}, l.merged_into_id, l.name, l.owner_id, {status}, l.created_at, l.last_follow_up_at, "
_IDS = ("mobile", "landline", "email", "wechat_id")
_FIRST_ID = 15
_OF_CUSTOMERS = (
    "NULL, l.id, l.credit_code, l.name, l.region, '', '',"
    " (SELECT min(c.mobile) FROM contacts c WHERE c.customer_id = l.id AND c.merged_into_id IS NULL"
    " AND c.deleted_at IS NULL), NULL, NULL, NULL FROM customers l WHERE l.deleted_at IS NULL AND "
)
_SELECTS: Mapping[str, str] = {
    "lead": _HEAD.format(person="l.person_id", status="l.status")
    + "l.contact_id, l.customer_id, NULL, l.company, l.region, l.source, l.campaign, l.mobile, l.landline, lower(l.email),"
    " lower(l.wechat_id) FROM leads l WHERE ",
    "contact": _HEAD.format(person="l.person_id", status="''")
    + "NULL, l.customer_id, NULL, coalesce(u.name, ''), coalesce(u.region, ''), '', '', l.mobile, l.landline, lower(l.email),"
    " lower(l.wechat_id) FROM contacts l LEFT JOIN customers u ON u.id = l.customer_id WHERE l.deleted_at IS NULL AND ",
    "customer": _HEAD.format(person="NULL", status="l.kind") + _OF_CUSTOMERS,
}


def _rows(noun: str, numbers: Sequence[int]) -> Program[list[Any]]:
    """Read these records, whatever was merged into them, and what they were merged into."""
    if not numbers:
        return []
    select = _SELECTS[noun]
    marks = ", ".join("?" * len(numbers))
    rows = yield f"{select}(l.id IN ({marks}) OR l.merged_into_id IN ({marks}))", (*numbers, *numbers)
    known = {row[0] for row in rows}
    roots = sorted({row[2] for row in rows if row[2] is not None} - known)
    if roots:
        marks = ", ".join("?" * len(roots))
        more = yield f"{select}(l.id IN ({marks}) OR l.merged_into_id IN ({marks}))", (*roots, *roots)
        rows = [*rows, *(row for row in more if row[0] not in known)]
    return list(rows)


_Ids = tuple[frozenset[tuple[str, str]], frozenset[str]]


def _accounts(people: Sequence[int]) -> Program[dict[int, _Ids]]:
    """Tell each person's accounts and unionids."""
    if not people:
        return {}
    marks = ", ".join("?" * len(people))
    rows = yield (
        "SELECT a.person_id, a.channel, a.external_id, f.unionid FROM accounts a LEFT JOIN followers f ON f.account_id = a.id"  # noqa: S608
        f" WHERE a.person_id IN ({marks}) AND a.person_kind = 'customer'",
        list(people),
    )
    accounts: dict[int, set[tuple[str, str]]] = defaultdict(set)
    unions: dict[int, set[str]] = defaultdict(set)
    for person, channel, external, unionid in rows:
        accounts[person].add((channel, external))
        unions[person] |= {unionid} if unionid else set()
    return {person: (frozenset(accounts[person]), frozenset(unions[person])) for person in accounts}


def _record(noun: str, head: Any, group: Sequence[Any], accounts: frozenset[tuple[str, str]], unions: frozenset[str]) -> Record:
    ids: dict[str, frozenset[str]] = {"unionid": unions}
    for place, name in enumerate(_IDS, _FIRST_ID):
        ids[name] = frozenset(row[place] for row in group if row[place])
    ids["credit_code"] = frozenset(row[_AT["credit"]] for row in group if row[_AT["credit"]])
    created = as_instant(head[_AT["created"]])
    if noun == "customer":
        ids = {"credit_code": ids["credit_code"]}
    if created is None:
        raise AssertionError("a row without its time")
    company, region, source, campaign = head[11:15]
    return Record(
        noun,
        int(head[0]),
        head[1],
        head[3],
        "" if noun == "customer" else company,
        head[4],
        head[_FIRST_ID] or head[_FIRST_ID + 1],
        head[_AT["status"]],
        created,
        as_instant(head[_AT["touched"]]) or created,
        head[_AT["customer"]],
        Facts(
            name="" if noun == "customer" else head[3],
            company=company,
            region=region,
            source=source,
            campaign=campaign,
            at=created,
            ids={kind: values for kind, values in ids.items() if values},
            accounts=accounts,
        ),
    )
