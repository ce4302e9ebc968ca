"""Chinese and Arabic numbers: "十二万五", "3.5w", "两千八", "廿三"."""

from decimal import Decimal, InvalidOperation

DIGITS = {
    sign: value
    for value, signs in enumerate(("零", "一壹幺", "二两贰俩", "三叁仨", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for sign in signs
}
SMALL_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
HAN = "零一壹幺二两贰俩三叁仨四肆五伍六陆七柒八捌九玖十拾百佰千仟万亿"
# Longer runs of number signs are no number a person says.
LONGEST = 24


def _section(text: str) -> int | None:
    """Read a number below ten thousand without 万 and 亿; None when the signs make no number."""
    if text.isdigit() and text.isascii():
        return int(text)
    if text and all(sign in DIGITS for sign in text):
        return int("".join(str(DIGITS[sign]) for sign in text))
    total, pending, last_unit, spoken_zero = 0, None, 0, False
    for sign in text:
        if sign in SMALL_UNITS:
            unit = SMALL_UNITS[sign]
            if last_unit and unit >= last_unit:
                return None
            total += (1 if pending is None else pending) * unit
            pending, last_unit, spoken_zero = None, unit, False
        elif sign in DIGITS:
            if pending:
                return None
            pending = DIGITS[sign]
            spoken_zero = spoken_zero or pending == 0
        else:
            return None
    if pending:
        # "两千八" leaves out the last unit; "两千零八" and "一百二十八" do not.
        short = last_unit > 10 and not spoken_zero
        total += pending * (last_unit // 10 if short else 1)
    return total


def read_number(text: str) -> Decimal | None:
    """Read a whole number in Chinese or Arabic signs, or an Arabic decimal; None when it is none."""
    text = text.replace(",", "").replace(" ", "")
    if not text or len(text) > LONGEST:
        return None
    if text[0].isascii():
        try:
            value = Decimal(text)
        except InvalidOperation:
            return None
        return value if value.is_finite() else None
    for unit, factor in (("亿", 10**8), ("万", 10**4)):
        if unit in text:
            head, _, tail = text.partition(unit)
            return _with_unit(head, factor, tail)
    if "点" in text:
        return _spoken_decimal(text)
    found = _section(text)
    return None if found is None else Decimal(found)


def _with_unit(head: str, factor: int, tail: str) -> Decimal | None:
    high = read_number(head) if head else Decimal(1)
    if high is None:
        return None
    if not tail:
        return high * factor
    if tail in DIGITS and tail != "零":
        # "十二万五" is 125000: the digit after the unit counts the next unit below.
        return high * factor + DIGITS[tail] * factor // 10
    low = read_number(tail.lstrip("零"))
    if low is None or low >= factor:
        return None
    return high * factor + low


def _spoken_decimal(text: str) -> Decimal | None:
    whole, _, rest = text.partition("点")
    high = _section(whole)
    if high is None or not rest or any(sign not in DIGITS for sign in rest):
        return None
    return Decimal(f"{high}." + "".join(str(DIGITS[sign]) for sign in rest))


def read_small(text: str) -> int | None:
    """Read a small whole number as it stands in days and hours: "二十三", "廿三", "08", "两"."""
    if text.startswith(("廿", "卅")):
        tens = 20 if text[0] == "廿" else 30
        rest = _section(text[1:]) if len(text) > 1 else 0
        return None if rest is None else tens + rest
    found = read_number(text)
    return int(found) if found is not None and found == int(found) else None
