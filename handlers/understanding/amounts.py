"""Money, discounts, probabilities and numbered references: 50万, 八五折, 六成把握, 第2条."""

import re
from dataclasses import dataclass
from decimal import Decimal

from handlers.understanding.mentions import DISCOUNT, MONEY, PERCENT, REF, TAKEN, Mention, Sentence
from handlers.understanding.numerals import DIGITS, HAN, read_number, read_small

FACTORS = {
    "w": 10**4,
    "万": 10**4,
    "k": 10**3,
    "千": 10**3,
    "百": 100,
    "亿": 10**8,
    "百万": 10**6,
    "千万": 10**7,
    "m": 10**6,
    "百亿": 10**10,
}
FACTORS |= {"万亿": 10**12, "十万": 10**5, "十亿": 10**9}
CURRENCY = r"(?:块钱|块|元整?|圆|rmb|人民币|cny|元人民币|大洋|刀(?!具))"
UNIT = r"(?:百万|千万|十万|十亿|百亿|万亿|亿|万|千|百|w|k(?!g|m|b))"
NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,12}(?:\.\d{1,6})?"
HAN_NUMBER = rf"[{HAN}]{{1,16}}"
# Things that are counted and not paid.
COUNTED = (
    r"(?![个台人家次件套条吨位名份张页瓶盒箱册批辆部间户种款只支把根粒片米升斤克岁楼层号月天年周秒分倍步字本单亩卷袋桶捆筐车"
    r"平㎡%折点行篇首架艘轮届期圈幅门顿趟场遍杯颗组双对副头匹枚]"
    r"|成(?!交|单|功)|小时|公里|公斤|千克|毫米|厘米|粉|用户|会员|员工|多(?:[个台人家次件套条吨位名份]|"
    r"用户|粉|会员|员工|客户)|客户|门店|"
    r"[台人件套个]|屏|显示|电视|视频|分辨|摄像|画质|高清|瓦|伏|赫|hz|mah|转)"
)
# After these words a bare number is money.
MONEY_WORDS = (
    r"(?:每[台个套件张只支瓶盒箱吨米平人次年月份部]|预算|报价|金额|总价|价格|价钱|"
    r"单价|成交价|合同额|合同金额|定金|订金|首付|尾款|回款|货款|总额|费用|共计|"
    r"合计|总共|一共|报了|报的|花了|付了|付款|打了|打款|到账|收了|收到|"
    r"deal|budget|price|quote|报销|垫了|垫付|要价|出价|开价|标价|谈到|谈成|降到|降至|改成|改为|费)"
)
# A difference is no amount: 便宜两万, 贵了500.
DIFFERENCE = re.compile(
    r"(?:便宜|优惠|让利?|少|降价?|减|砍价?|贵|高|低|差|多|涨价?|加价|再降|省|抹|"
    r"亏|赔|补贴|折让|返点?|压价?|抬价?)(?:了|个|出|掉|下)?(?:至少|大概|大约|将近|"
    r"快|近)?$"
)
ABOUT = r"(?:来|多|几|余|把)"
SIGNED = re.compile(rf"(?:¥|￥|rmb|cny)\s?(?P<number>{NUMBER})\s?(?P<unit>{UNIT})?(?:{CURRENCY})?")
RANGE = re.compile(
    rf"(?<![\d.第#a-z])(?P<low>{NUMBER}|{HAN_NUMBER})\s?(?P<low_unit>{UNIT})?{CURRENCY}?\s?(?:-|"
    rf"~|到|至)\s?(?P<number>{NUMBER}|{HAN_NUMBER})\s?(?P<unit>{UNIT})?"
    rf"(?:(?P<currency>{CURRENCY})|{COUNTED})"
)
ARABIC = re.compile(
    rf"(?<![\d.第#a-z])(?<!\d:)(?P<number>{NUMBER})\s?(?P<about>{ABOUT})?个?(?P<unit>{UNIT})(?P<tail>\d{{3,4}}(?!\d)|"
    rf"(?:[一二三四五六七八九1-9][千百十])*(?:[一二三四五六七八九1-9](?![\d.万千百十]))?)?(?![a-z零]|\d+(?:[台套件张人条位名]|个(?!月)))(?:(?P<currency>{CURRENCY})|"
    rf"{COUNTED})"
)
PLAIN = re.compile(
    rf"(?<![\d.第#a-z])(?<!\d:)(?P<number>{NUMBER})\s?(?P<about>{ABOUT})?(?:{CURRENCY})(?!线|[\s,，]*单价)(?P<tail>[一二三四五六七八九"
    rf"1-9](?![\d万千百十个]))?"
)
SPOKEN = re.compile(
    rf"(?<![第{HAN}点半几多])(?P<number>{HAN_NUMBER})(?P<about>[来多几余])?(?P<unit>[万亿])?(?:(?P<currency>{CURRENCY})"
    rf"(?!线)(?P<tail>[一二三四五六七八九](?![千百十万台件个套张次斤米]))?|个(?P<hundred_million>亿|w|万)|(?P<w>w)|{COUNTED})"
)
HALF = re.compile(rf"半个?亿|(?P<number>{HAN_NUMBER}|\d+)个半亿")
BARE = re.compile(
    rf"{MONEY_WORDS}(?:大概|大约|约|差不多|是|在|有|为|了|给|才|就|只|也就|:|到|"
    rf"还是|从|我|他|她|的|\s)*(?P<number>{NUMBER}|[{HAN}]{{2,16}})(?![\d.:a-z]){COUNTED}"
)
ONLY_AMOUNT = re.compile(rf"^(?:¥|￥)?\s?(?P<number>{NUMBER}|{HAN_NUMBER})\s?(?P<unit>{UNIT})?(?:{CURRENCY})?$")
APPROXIMATE = re.compile(r"^([一二三四五六七八九两])([二三四五六七八九十])(?=[十百千万亿])")
DISCOUNTS = re.compile(
    rf"(?:打|按|给|享)?(?P<number>\d{{1,2}}(?:\.\d{{1,2}})?|[{HAN}]{{1,3}}(?:点[{HAN}])?)\s?折(?!扣|"
    rf"腾|叠|算|中|线|页|旧|射)"
)
FREE_DISCOUNT = re.compile(r"对折|半价|五折")
CHANCE = re.compile(
    rf"(?P<tenths>[一二三四五六七八九十]|\d)成(?P<half>半)?(?:的)?(?:把握|可能性?|"
    rf"概率|希望|胜算|机会)?|(?P<percent>\d{{1,3}})\s?%|百分之(?P<spoken>[{HAN}]{{1,4}})|"
    rf"(?P<even>五五开|对半开|一半一半|一半的?(?:把握|可能性?|概率|机会|希望|胜算)|(?:把握|概率|赢率)(?:大概|大约|也就|只有|有)?一半)"
)
CHANCE_WORDS = re.compile(r"把握|概率|可能|希望|胜算|机会|赢率|成功率|几率|成单率")
NOT_CHANCE = re.compile(
    r"(?:降价?|涨价?|优惠|折扣|返点|让利|便宜|毛利|利润|首付|预付|定金|尾款|加价|"
    r"税|完成|增长|占|先?付|比例)(?:了|率|是|要|率是|到|降?到)?$"
)
REFERENCE = re.compile(
    r"(?:完成|搞定|领取|认领|抢|(?<![带率])领|捞|推迟|勾掉)\s?(?P<bare>\d{1,4})(?:号|条)?(?=[\s。!！了吧、,和]|"
    r"$)|^\s*(?P<first>\d{1,4})(?=号?(?:完成|搞定|做完|办完|done))|#\s?(?P<sharp>\d{1,12})(?:号)?|"
    r"第\s?(?P<nth>\d{1,6}|[一二三四五六七八九十百两]{1,4})\s?(?:条|"
    r"个|项|号|单|笔|位|家)(?!月|季|周|星期|礼拜|方案|问题|工作日)"
    r"|(?:编号|单号|序号|id|no\.?|任务|待办|线索|群发|记录|跟进|工单|公海|(?<![a-z])task)\s?(?:号|"
    r"是|为|:)?\s?(?P<named>\d{1,12})(?:号)?(?![\d个条家万千元块天:点月年次人.%号w])|"
    r"(?<![\d.月路街弄])(?P<number>\d{1,6})号(?=任务|待办|线索|群发|记录|客户|"
    r"跟进|商机|单子)"
    r"|(?P<han>[一二三四五六七八九十]{1,3})号(?=任务|待办|线索|群发|记录|客户|跟进|商机)"
    r"|公海(?:里|的|第)?\s?(?P<pool>[一二三四五六七八九十]{1,3})[号条个]"
)

ROW_END = r"(?P<number>\d{1,4})(?:号|条)?(?=\s*(?:[、,和。!！了吧]|$)|\s+\d{1,4}(?!\d|\s?[点时月日号:/台个]))"
ROW = re.compile(rf"(?:\s*[、,和跟与]\s*|\s+){ROW_END}")
JOINED_ROW = re.compile(rf"\s*[、和跟与]\s*{ROW_END}")


# "三百八一晚": the price of one.
ONE_OF = frozenset("晚台个件套天间次人位吨斤米张把箱瓶盒桌份趟")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in yuan and whether its words are a difference ("便宜两万")."""

    yuan: Decimal
    difference: bool = False

    def text(self) -> str:
        """Write the amount with two decimals."""
        return f"{self.yuan:.2f}"


def _upper(number: str) -> str:
    """Of 三五万, 两三万, 五六十万 keep the upper digit."""
    match = APPROXIMATE.match(number)
    if match and match[1] != match[2] and match[2] != "十":
        return number[1:]
    return number


def _tail(value: Decimal, factor: int, tail: str | None) -> Decimal:
    if not tail:
        return value
    if tail.isascii() and len(tail) > 2:
        # "1万2500": the rest is written out.
        return value + Decimal(tail)
    low = Decimal(factor)
    for digit, unit in re.findall(r"(.)([千百十]?)", tail):
        low = Decimal({"千": 1000, "百": 100, "十": 10}.get(unit) or low / 10)
        value += Decimal(DIGITS.get(digit) or digit) * low
    return value


def _yuan(match: re.Match[str]) -> Decimal | None:
    groups = match.groupdict()
    number = read_number(_upper(groups["number"]))
    if number is None:
        return None
    unit = groups.get("unit") or groups.get("hundred_million") or groups.get("w")
    factor = FACTORS.get(unit, 1) if unit else 1
    value = _tail(number * factor, factor, groups.get("tail"))
    return value if value < Decimal(10) ** 15 else None


def _take(sentence: Sentence, match: re.Match[str], *, group: str | int = 0) -> None:
    if TAKEN in match[0]:
        return
    yuan = _yuan(match)
    if yuan is None or yuan <= 0:
        return
    start, end = match.span(group)
    before = sentence.rest[max(0, start - 8) : start].rstrip()
    sentence.take(Mention(MONEY, start, end, Money(yuan, bool(DIFFERENCE.search(before)))))


def _spoken(sentence: Sentence) -> None:
    for match in SPOKEN.finditer(sentence.rest):
        number, currency = match["number"], match["currency"]
        big = any(unit in number for unit in "百千万亿") or match["unit"] or match["hundred_million"] or match["w"]
        if currency or (big and (len(number) > 1 or match["unit"] or match["hundred_million"] or match["w"])):
            if number in {"万", "千", "百", "亿"} and not match["unit"]:
                continue
            behind = sentence.rest[match.end("number") : match.end("number") + 2]
            if (behind[:1] == "一" and behind[1:] not in ONE_OF) or (number.startswith("万一")):
                continue
            _take(sentence, match)


def mark_money(sentence: Sentence) -> None:
    """Take all amounts out of a sentence, the surest forms first."""
    for match in SIGNED.finditer(sentence.rest):
        _take(sentence, match)
    for match in RANGE.finditer(sentence.rest):
        if match["unit"] or match["currency"] or any(unit in match["number"] for unit in "百千万亿"):
            _take(sentence, match)
    for pattern in (ARABIC, PLAIN):
        for match in pattern.finditer(sentence.rest):
            _take(sentence, match)
    for match in HALF.finditer(sentence.rest):
        whole = read_number(match["number"]) if match["number"] else Decimal(0)
        sentence.take(Mention(MONEY, match.start(), match.end(), Money(((whole or Decimal(0)) + Decimal("0.5")) * 10**8)))
    _spoken(sentence)
    for match in BARE.finditer(sentence.rest):
        _take(sentence, match, group="number")


def read_bare_amount(text: str) -> Money | None:
    """Read a text that is nothing but an amount, its unit left out or not ("5000", "八千"); None when it is more."""
    match = ONLY_AMOUNT.match(text.strip())
    yuan = _yuan(match) if match else None
    return Money(yuan) if yuan is not None and yuan > 0 else None


def mark_discounts(sentence: Sentence) -> None:
    """Take discounts out; the value is the share that is paid."""
    for match in DISCOUNTS.finditer(sentence.rest):
        share = _share(match["number"])
        if share is not None:
            sentence.take(Mention(DISCOUNT, match.start(), match.end(), f"{share:.2f}"))
    for match in FREE_DISCOUNT.finditer(sentence.rest):
        sentence.take(Mention(DISCOUNT, match.start(), match.end(), "0.50"))


def _share(said: str) -> Decimal | None:
    if said[0].isascii() or "点" in said:
        number = read_number(said)
    elif all(sign in DIGITS for sign in said):
        number = Decimal("".join(str(DIGITS[sign]) for sign in said))
    else:
        number = None
    if number is None or not 0 < number < 100:
        return None
    return number / (10 if number < 10 else 100)


def mark_chances(sentence: Sentence) -> None:
    """Take probabilities out; a percentage counts only where it is not a price, a share or a discount."""
    for match in CHANCE.finditer(sentence.rest):
        if match["tenths"] and not (match["half"] or CHANCE_WORDS.search(sentence.plain) or _is_alone_of_deal(sentence, match)):
            continue
        before = sentence.rest[max(0, match.start() - 6) : match.start()].rstrip()
        if NOT_CHANCE.search(before) and not CHANCE_WORDS.search(before):
            continue
        value = _chance(match)
        if value is not None and 0 <= value <= 100:
            sentence.take(Mention(PERCENT, match.start(), match.end(), value))


def _is_alone_of_deal(sentence: Sentence, match: re.Match[str]) -> bool:
    """Tell "三成" between breaks in a sentence about an opportunity."""
    before, after = sentence.rest[: match.start()].rstrip(" ,，、"), sentence.rest[match.end() :]
    alone = before != sentence.rest[: match.start()] and re.match(r"[\s,，。、]|$", after)
    return bool(alone and re.search(r"商机|新机会|单子", sentence.plain))


def _chance(match: re.Match[str]) -> int | None:
    if match["even"]:
        return 50
    if match["tenths"]:
        return (read_small(match["tenths"]) or 0) * 10 + (5 if match["half"] else 0)
    return int(match["percent"]) if match["percent"] else read_small(match["spoken"])


def mark_refs(sentence: Sentence) -> None:
    """Take numbered references out: 第2条, #1024, 任务88."""
    _mark_refs(sentence)
    _mark_row(sentence)


def _mark_row(sentence: Sentence) -> None:
    """Take out the numbers that go on a row begun by a reference: 领取 1 2 3, 完成1、2和3."""
    for mention in sentence.of(REF):
        at = mention.end
        bare = sentence.plain[mention.start : mention.end].isdigit()
        while match := (ROW if bare else JOINED_ROW).match(sentence.rest, at):
            sentence.take(Mention(REF, match.start("number"), match.end("number"), match["number"]))
            at = match.end()


def _mark_refs(sentence: Sentence) -> None:
    for match in REFERENCE.finditer(sentence.rest):
        number = match["sharp"] or match["bare"] or match["first"] or match["named"] or match["number"]
        if number is None:
            number = str(read_small(match["nth"] or match["han"] or match["pool"]))
        group = next((name for name in ("named", "bare", "first", "pool") if match[name]), 0)
        start = match.start(group)
        sentence.take(Mention(REF, start, match.end(), number))
