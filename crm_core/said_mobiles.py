"""A mobile number a customer says: kept on their record where there is none, hidden where others read. Plain SQL."""

import re
from collections.abc import Iterable

from crm_core.accounts import AccountRow
from crm_core.audit import insert_system_entry
from crm_core.ports import Core, Program
from crm_core.values import mask_phone, mask_text

SOURCE = "chat"
"""Who wrote it down, in the audit trail."""
_ELEVEN_DIGITS = re.compile(r"(?:\d[\s-]?){11}")
_ABROAD = r"(?:[0０]{2}|[+＋])?\s?[8８][6６]"
# To be stored it must stand alone: groups of digits before or after make it a part of a card or an identity number.
_ALONE = re.compile(
    rf"(?<!\d)(?<!\d[\s-])(?<!\d[\s-]{{2}})(?:{_ABROAD}[\s-]?)?[1１][\s-]?[3-9３-９](?:[\s-]?\d){{9}}(?![\s-]{{0,2}}\d)"
)
_BETWEEN = r"[\s.\-–—_]{0,3}"
# To be hidden anything will do that may be one, whatever it is typed with.
_ANY = re.compile(rf"(?<!\d)(?:(?:{_ABROAD}|[0０]){_BETWEEN})?[1１]{_BETWEEN}[3-9３-９](?:{_BETWEEN}\d){{9}}(?!\d)")

_EXAMPLES = frozenset({"+8613800138000", "+8613800000000", "+8613900139000"})
_LANDLINE = re.compile(r"(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)")
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}", re.ASCII)
_CHAT_ID = re.compile(
    r"((?:微信|扣扣|(?<![a-z])(?:wechat|weixin|wx|vx|qq|v))\s?号?[是为码:：\s]{0,4})([a-z0-9][a-z0-9_-]{3,30})", re.IGNORECASE
)


def may_hold_mobile(text: str) -> bool:
    """Tell quickly whether a text is worth a closer look."""
    return _ELEVEN_DIGITS.search(text) is not None


def said_mobile(text: str) -> str | None:
    """Give the first mobile number in a text, as it is stored."""
    return next((_stored(match[0]) for match in _ALONE.finditer(text)), None)


def hide_mobiles(text: str) -> str:
    """Hide the middle of every mobile number in a text: nobody owns the person yet."""
    return _ANY.sub(lambda match: mask_phone(_stored(match[0])) or "", text)


def hide_said(text: str) -> str:
    """Hide the middle of every mobile number but those of our own examples, which are nobody's."""
    return _ANY.sub(lambda match: match[0] if _stored(match[0]) in _EXAMPLES else mask_phone(_stored(match[0])) or "", text)


def hide_marks(text: str, known: Iterable[str | None] = ()) -> str:
    """Hide whatever somebody could be reached by in a text: numbers, addresses, ids of chats, and what is `known` of them."""
    for word in known:
        text = text.replace(word, mask_text(word) or "") if word else text
    text = _MAIL.sub(lambda match: mask_text(match[0]) or "", hide_mobiles(text))
    text = _LANDLINE.sub(lambda match: f"{match[0][:3]}****{match[0][-2:]}", text)
    return _CHAT_ID.sub(lambda match: f"{match[1]}{mask_text(match[2])}", text)


def _stored(found: str) -> str:
    digits = [str(int(sign)) for sign in found if sign.isdecimal()]
    return f"+86{''.join(digits[-11:])}"


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
