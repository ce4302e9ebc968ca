"""Cutting a text to what a platform takes."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def drop_control(text: str) -> str:
    """Drop the control characters that no platform takes; TAB, LF and CR stay."""
    return text if text.isprintable() else _CONTROL.sub("", text)


def cut_text(text: str, limit_bytes: int) -> str:
    """Shorten a text to so many bytes of UTF-8, never within a character."""
    clean = drop_control(text)
    coded = clean.encode("utf-8", "replace")
    if len(coded) <= limit_bytes:
        return clean
    return coded[:limit_bytes].decode("utf-8", "ignore")
