"""A mobile number a customer says: kept on their record where there is none, hidden where others read. Plain SQL."""

import re

from crm_core.accounts import AccountRow
from crm_core.audit import insert_system_entry
from crm_core.ports import Core, Program
from crm_core.values import mask_phone, normalize_mobile

SOURCE = "chat"
"""Who wrote it down, in the audit trail."""
_ELEVEN_DIGITS = re.compile(r"(?:\d[\s-]?){11}")
_MOBILE = re.compile(r"(?<!\d)(?:[+＋]?\s?[8８][6６][\s-]?)?[1１](?:[\s-]?\d){10}(?!\d)")


def may_hold_mobile(text: str) -> bool:
    """Tell quickly whether a text is worth a closer look."""
    return _ELEVEN_DIGITS.search(text) is not None


def said_mobile(text: str) -> str | None:
    """Give the first mobile number in a text, as it is stored."""
    found = (normalize_mobile(match[0]) for match in _MOBILE.finditer(text))
    return next(filter(None, found), None)


def hide_mobiles(text: str) -> str:
    """Hide the middle of every mobile number in a text: nobody owns the person yet."""
    return _MOBILE.sub(lambda match: mask_phone(normalize_mobile(match[0])) or match[0], text)


def keep_said_mobile(core: Core, account: AccountRow, person_id: int, text: str) -> Program[None]:
    """Store the number a customer says, unless one is known: on the lead, or the contact that has come of it."""
    mobile = said_mobile(text) if may_hold_mobile(text) else None
    if mobile is None:
        return
    now = core.clock.now()
    for table, current in (("contacts", ""), ("leads", " AND contact_id IS NULL")):
        rows = yield (
            f"UPDATE {table} SET mobile = ?, updated_at = ? WHERE person_id = ?{current}"  # noqa: S608 - fixed parts
            " AND (mobile IS NULL OR mobile = '') RETURNING id",
            (mobile, now, person_id),
        )
        for (number,) in rows:
            after = {"mobile": mask_phone(mobile), "source": SOURCE, "account_id": account.id}
            yield from insert_system_entry(core, SOURCE, f"{table[:-1]}.update", table, int(number), after)
