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
_DEALS = "(SELECT id FROM opportunities WHERE customer_id IN ({customers}))"
_ABOUT_DEALS = f"subject_kind = 'opportunity' AND subject_id IN {_DEALS}"
_SUBJECT = f"({ABOUT.format(kind='subject_kind', id='subject_id')} OR {_ABOUT_DEALS})"
_OBJECTS = {"leads": "leads", "contacts": "contacts", "customers": "customers", "accounts": "accounts", "people": "persons"} | {
    "employees": "employees"
}
"""Kinds of object of audit entries, and the list of numbers each is compared with."""
_OF_THEM = " OR ".join(f"object_kind = '{kind}' AND object_id IN ({{{numbers}}})" for kind, numbers in _OBJECTS.items())
_THEIR_FOLLOW_UPS = f"object_kind = 'follow_ups' AND object_id IN (SELECT id FROM follow_ups WHERE {_SUBJECT})"  # noqa: S608
_THEIR_DEALS = f"object_kind = 'opportunities' AND object_id IN {_DEALS}"
# The erasure's own entry says only how many.
_AUDITED = (
    "(salt <> '' OR before <> '' OR after <> '') AND entry_id IN (SELECT id FROM audit_entries"  # noqa: S608
    f" WHERE action <> 'person.erase' AND ({_OF_THEM} OR {_THEIR_FOLLOW_UPS} OR {_THEIR_DEALS}))"
)


def _by_address(table: str) -> str:
    """Give the condition for rows that know the account by its channel and id."""
    same = f"a.channel = {table}.channel AND a.external_id = {table}.external_id"
    return f"EXISTS (SELECT 1 FROM accounts a WHERE a.id IN ({{accounts}}) AND {same})"  # noqa: S608 - our own names


# Children before what they hang on.
HOLDINGS: tuple[Holding, ...] = (
    Holding("audit_values", _AUDITED, {"salt": "", "before": "", "after": ""}),
    Holding("review_comments", f"follow_up_id IN (SELECT id FROM follow_ups WHERE {_SUBJECT})"),  # noqa: S608
    Holding("mails", _SUBJECT),
    Holding("document_parts", f"document_id IN (SELECT id FROM documents WHERE {_SUBJECT})"),  # noqa: S608
    Holding("documents", _SUBJECT),
    Holding("visits", f"{_SUBJECT} OR customer_id IN ({{customers}})"),
    Holding("visits", "employee_id IN ({employees})", {"check_in_place": "", "position": ""}),
    Holding("work_reports", "employee_id IN ({employees})"),
    Holding("mail_addresses", "employee_id IN ({employees})"),
    Holding("follow_ups", _SUBJECT),
    Holding("taggings", "person_id IN ({persons})"),
    Holding("score_facts", "person_id IN ({persons})"),
    Holding("changed_rows", f"person_id IN ({{persons}}) OR table_name = 'opportunities' AND row_id IN {_DEALS}"),
    Holding("stage_moves", f"opportunity_id IN {_DEALS}"),
    Holding("purchase_proposals", "customer_id IN ({customers})"),
    Holding("cleaning_cases", "person_id IN ({persons})"),
    Holding("field_changes", f"person_id IN ({{persons}}) OR ({_SUBJECT})"),
    Holding("distributions", "person_id IN ({persons})"),
    Holding("offers", "person_id IN ({persons})"),
    Holding("lead_exceptions", "person_id IN ({persons})"),
    Holding("quarantined_rows", "lead_id IN ({leads}) OR person_id IN ({persons})"),
    Holding("pool_claims", "person_id IN ({persons})"),
    Holding("assignment_profiles", "employee_id IN ({employees})"),
    Holding("pool_views", "employee_id IN ({employees})"),
    Holding("messages", "account_id IN ({accounts})"),
    Holding("bind_codes", "employee_id IN ({employees})"),
    Holding("api_tokens", "employee_id IN ({employees})"),
    Holding("notice_rights", "account_id IN ({accounts})"),
    Holding("followers", "account_id IN ({accounts})"),
    Holding("contact_follows", _by_address("contact_follows")),
    Holding("send_marks", _by_address("send_marks")),
    Holding("accounts", "id IN ({accounts})"),
    Holding("field_values", _SUBJECT),
    *(
        Holding(table, "customer_id IN ({customers})")
        for table in ("collaborators", "purchases", "ratings", "life_cycle_changes", "customer_values")
    ),
    Holding("opportunities", "customer_id IN ({customers})"),
    Holding("leads", "id IN ({leads})"),
    Holding("contacts", "id IN ({contacts})"),
    Holding("customers", "id IN ({customers})"),
    Holding("audit_actors", "salt <> '' AND employee_id IN ({employees})", {"salt": ""}),
    Holding("audit_entries", "actor <> '' AND employee_id IN ({employees})", {"actor": ""}),
    Holding("employees", "id IN ({employees})", {"mobile": None}),
)
