"""Values with rules and no table: money, phone numbers, and how personal data is masked."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from unicodedata import normalize

_MOBILE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")
_CENT = Decimal("0.01")


def to_money(value: Decimal | int | str) -> Decimal:
    """Turn a number into yuan with two places, half up.

    Raises: ValueError for what is no number.
    """
    try:
        return Decimal(value).quantize(_CENT, ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError(f"not an amount: {value!r}") from None


def normalize_mobile(text: str) -> str | None:
    """Turn a mainland mobile as people type it into E.164 (+8613…), or None if it is none."""
    digits = re.sub(r"[\s\-()]", "", normalize("NFKC", text))
    found = _MOBILE.fullmatch(digits)
    return f"+86{found[1]}" if found else None


@lru_cache(maxsize=4096)
def normalize_phone(text: str) -> str | None:
    """Turn any Chinese phone number into E.164, mobiles on a fast path, or None if it is none."""
    mobile = normalize_mobile(text)
    if mobile:
        return mobile
    import phonenumbers

    try:
        number = phonenumbers.parse(normalize("NFKC", text), "CN")
    except phonenumbers.NumberParseException:
        return None
    return (
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if phonenumbers.is_valid_number(number)
        else None
    )


@lru_cache(maxsize=4096)
def show_phone(e164: str | None) -> str | None:
    """Write a stored number as people do: 13800138000, 021-62881234."""
    if not e164:
        return None
    if e164.startswith("+861") and len(e164) == 14:
        return e164[3:]
    import phonenumbers

    try:
        number = phonenumbers.parse(e164, "CN")
    except phonenumbers.NumberParseException:
        return e164
    if number.country_code != 86:
        return e164
    national = phonenumbers.national_significant_number(number)
    area = phonenumbers.length_of_geographical_area_code(number)
    return f"0{national[:area]}-{national[area:]}" if area else national


def mask_phone(e164: str | None) -> str | None:
    """Hide the middle of a number: 138****8000."""
    shown = show_phone(e164)
    if not shown:
        return None
    return f"{shown[:3]}****{shown[-4:]}" if len(shown) > 7 else "****"


def mask_text(value: str | None) -> str | None:
    """Hide all but the first character of an e-mail, a WeChat id and the like."""
    return f"{value[0]}***" if value else None


def plain(text: str) -> str:
    """One width, one case, no blanks: for comparing what people typed with a word."""
    return "".join(normalize("NFKC", text).casefold().split())


def cut_bytes(text: str, limit: int) -> str:
    """Cut a text to so many UTF-8 bytes, never inside a character, marked with an ellipsis."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    return raw[: limit - 3].decode(errors="ignore") + "…"
