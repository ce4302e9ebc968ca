"""Which rows of which table belong to a person: what an export gives out and an erasure takes away."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Holding:
    """Rows of one table that belong to a person. `where` names `{persons}`, `{accounts}`, `{leads}`, `{contacts}`,
    `{customers}`, `{employees}`: lists of numbers. `blank` keeps the rows and overwrites these columns; else they go.
    """

    table: str
    where: str
    blank: Mapping[str, object] = field(default_factory=dict)


ABOUT = "({kind} = 'lead' AND {id} IN ({{leads}}) OR {kind} = 'contact' AND {id} IN ({{contacts}})" + (
    " OR {kind} = 'customer' AND {id} IN ({{customers}}))"
)
"""The condition for rows about a subject, for the columns that hold its kind and number."""
_SUBJECT = ABOUT.format(kind="subject_kind", id="subject_id")
_OBJECTS = {"leads": "leads", "contacts": "contacts", "customers": "customers", "accounts": "accounts", "people": "persons"} | {
    "employees": "employees"
}
"""Kinds of object of audit entries, and the list of numbers each is compared with."""
_OF_THEM = " OR ".join(f"object_kind = '{kind}' AND object_id IN ({{{numbers}}})" for kind, numbers in _OBJECTS.items())
_THEIR_FOLLOW_UPS = f"object_kind = 'follow_ups' AND object_id IN (SELECT id FROM follow_ups WHERE {_SUBJECT})"  # noqa: S608
# The erasure's own entry says only how many.
_AUDITED = (
    "(salt <> '' OR before <> '' OR after <> '') AND entry_id IN (SELECT id FROM audit_entries"  # noqa: S608
    f" WHERE action <> 'person.erase' AND ({_OF_THEM} OR {_THEIR_FOLLOW_UPS}))"
)


def _by_address(table: str) -> str:
    """Give the condition for rows that know the account by its channel and id."""
    same = f"a.channel = {table}.channel AND a.external_id = {table}.external_id"
    return f"EXISTS (SELECT 1 FROM accounts a WHERE a.id IN ({{accounts}}) AND {same})"  # noqa: S608 - our own names


# Children before what they hang on.
HOLDINGS: tuple[Holding, ...] = (
    Holding("audit_values", _AUDITED, {"salt": "", "before": "", "after": ""}),
    Holding("review_comments", f"follow_up_id IN (SELECT id FROM follow_ups WHERE {_SUBJECT})"),  # noqa: S608
    Holding("follow_ups", _SUBJECT),
    Holding("taggings", "person_id IN ({persons})"),
    Holding("changed_rows", "person_id IN ({persons})"),
    Holding("messages", "account_id IN ({accounts})"),
    Holding("bind_codes", "employee_id IN ({employees})"),
    Holding("api_tokens", "employee_id IN ({employees})"),
    Holding("notice_rights", "account_id IN ({accounts})"),
    Holding("followers", "account_id IN ({accounts})"),
    Holding("contact_follows", _by_address("contact_follows")),
    Holding("send_marks", _by_address("send_marks")),
    Holding("accounts", "id IN ({accounts})"),
    Holding("leads", "id IN ({leads})"),
    Holding("contacts", "id IN ({contacts})"),
    Holding("customers", "id IN ({customers})"),
    Holding("employees", "id IN ({employees})", {"mobile": None}),
)
