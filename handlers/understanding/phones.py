"""Phone numbers, e-mail addresses, links and WeChat ids, cut out before anything else reads the digits."""

import re
import unicodedata

from handlers.understanding.mentions import EMAIL, LINK, PHONE, Mention, Sentence
from handlers.understanding.numerals import DIGITS, HAN

HAN_DIGITS = "".join(DIGITS)
# Spaces and dashes as people type them between groups.
GAP = r"[\s\-.·]{0,2}"
MOBILE = re.compile(rf"(?<![\d#])(?:\(?\+?(?:00)?86\)?{GAP})?(1[3-9]\d(?:{GAP}\d){{8}})(?!\d)")
LANDLINE = re.compile(
    r"(?<!\d)(?:\+?86[\s\-]?)?\(?(0(?:10|2\d|[3-9]\d{2}))\)?[\s\-]{0,2}([2-9]\d{2,3}[\s\-]?\d{4})(?!\d)(?:\s?(?:"
    r"转|-)\s?(\d{1,5}))?"
)
MAIL = re.compile(r"[a-z0-9._%+\-]{1,64}@[a-z0-9\-]{1,63}(?:\.[a-z0-9\-]{1,63}){1,4}")
URL = re.compile(r"https?://[^\s,。;!、<>\"']{1,500}|www\.[^\s,。;!、<>\"']{1,200}")
WECHAT_ID = re.compile(
    r"(?:微信号?(?:已经|也)?(?:换|改|变)了[\s,，]*(?:新的?)?|微信号?|wechat|weixin|wx|vx|v信|薇信|加v|v)(?:号|id)?(?:也|就|改|换)?(?:是|"
    r"为|成|叫)?[\s:：,，]{0,3}(?:是)?\s?([a-z][a-z0-9_\-]{5,19})(?![a-z0-9_@.])"
)


SPOKEN_MOBILE = re.compile(rf"(?<![{HAN}])[一幺壹](?:\s?[{HAN_DIGITS}]){{10}}(?![{HAN}])")


def _spoken(match: re.Match[str]) -> str:
    return "".join(str(DIGITS[sign]) for sign in match[0] if sign in DIGITS)


def _mobile(match: re.Match[str]) -> str:
    return "".join(sign for sign in match[1] if sign.isdigit())


def _landline(match: re.Match[str]) -> str:
    return f"{match[1]}-" + "".join(sign for sign in match[2] if sign.isdigit())


def mark_addresses(sentence: Sentence) -> None:
    """Take out links, e-mail addresses and phone numbers."""
    for match in URL.finditer(sentence.rest):
        sentence.take(Mention(LINK, match.start(), match.end(), sentence.raw[match.start() : match.end()]))
    for match in MAIL.finditer(sentence.rest):
        address = unicodedata.normalize("NFKC", sentence.raw[match.start() : match.end()])
        sentence.take(Mention(EMAIL, match.start(), match.end(), address))
    for pattern, read in ((MOBILE, _mobile), (LANDLINE, _landline), (SPOKEN_MOBILE, _spoken)):
        for match in pattern.finditer(sentence.rest):
            sentence.take(Mention(PHONE, match.start(), match.end(), read(match)))


# Nine to thirteen digits from 1 on, in one run or in groups as phone numbers are grouped.
LIKE_MOBILE = re.compile(
    r"(?<![\d.:/_a-z#¥￥-])(?:\+86[\s-]?)?(?P<run>1(?:\d{8,12}|\d{2,3}(?:[\s-]\d{3,5}){2}))(?![\d_a-z@])"
    r"(?!\.\d)(?!\s?(?:元|块|万|亿|台|个|件|次|%))"
)
OTHER_NUMBER = re.compile(
    r"(?:订单|单|编|合同|发票|账|帐|卡|税|快递|运单|流水|工单|批次|型|学|证|身份证|序列|统一|qq)(?:号码?|编号)?(?:是|为|[:：\s])*$|"
    r"(?:qq|id|no\.?|sn)[:：\s]*$|(?:订单|快递|运单|工单|流水|批次)(?:是|[:：\s])*$"
)


def malformed_phone(text: str) -> str | None:
    """Return a number as typed that was meant as a mobile but is none ("1380013800"); None when there is none."""
    sentence = Sentence(text)
    mark_addresses(sentence)
    for match in LIKE_MOBILE.finditer(sentence.rest):
        if not OTHER_NUMBER.search(sentence.rest, 0, match.start()) and 9 <= sum(map(str.isdigit, match["run"])) <= 13:
            return text[match.start("run") : match.end("run")]
    return None


def find_wechat_id(sentence: Sentence) -> str | None:
    """Read a WeChat id as said ("微信号 lina_2020"); None when there is none."""
    match = WECHAT_ID.search(sentence.plain)
    return unicodedata.normalize("NFKC", sentence.raw[match.start(1) : match.end(1)]) if match else None
