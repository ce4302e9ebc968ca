"""The slots of quotes, payments and expenses."""

import re
from datetime import datetime
from decimal import Decimal

from handlers.understanding.amounts import Money
from handlers.understanding.clauses import trim
from handlers.understanding.deal_rules import BARE_SUM
from handlers.understanding.followups import amount_of, who
from handlers.understanding.mentions import COMPANY, DISCOUNT, MARKS, MONEY, PERSON, TIME, Sentence
from handlers.understanding.moments import When, behind
from handlers.understanding.numerals import HAN, read_number

MEASURES = (
    r"(?:台|个|套|件|天|张|把|支|只|条|块(?!钱)|瓶|盒|箱|桶|吨|公斤|千克|斤|米|"
    r"平米|平方|平|人|位|次|年|月|份|本|部|辆|组|批|袋|卷|片|根|双|副|节|课时|"
    r"小时|用户|账号|点位|license|端|间|期|k?g|pcs|册|枚|颗|棵|节课|人天|人月)"
)
QUANTITY = re.compile(
    rf"(?<![\d.每一单/])(?:x|\*|×|各|共|要)?\s?(?P<number>\d{{1,7}}(?:\.\d{{1,3}})?|"
    rf"[{HAN}]{{1,6}})\s?(?P<measure>{MEASURES})(?!价)"
)
# "3299一台", "一台3299": a price without its unit of money.
PRICE_OF_ONE = re.compile(
    rf"(?<![\d.])(?P<price>\d{{1,8}}(?:\.\d{{1,2}})?)\s?(?:块|元)?(?:一|每|/|1)\s?{MEASURES}(?![\d一-鿿]{{0,2}}折)"
)
TIMES_SIGN = re.compile(r"\s?[x*×]\s?(?P<number>\d{1,7})(?![\d.])")
COMMAND = re.compile(
    rf"^.*?(?:报(?:个|一下|一份|下|份)?价单?|quote)(?:单)?[\s:：,，]*(?:给|为)?(?:客户[\s:：是]*)?[{PERSON}{COMPANY}]?[\s:：,，]*|"
    rf"^[\s]*(?:给|为)?[{PERSON}{COMPANY}]"
)
PRODUCT_LEAD = re.compile(
    rf"^(?:[\s,，。:：;；、和跟{''.join(MARKS)}]|再加|加上|还有|以及|另外|外加|"
    rf"产品(?:是|为)?|要|买|采购|需要|的|单价|每台|每个|每套|各|一共|总共|共|报价|"
    rf"给|元|块|份|个|张|下|一下|打(?![印包卡磨码桩样火])|再|数量|型号)+"
)
PRODUCT_TAIL = re.compile(r"(?:[\s,，:：、]|要|来|买|订|数量|各|共|一共|总共|的|x|\*|×|大概|大约|约)+$")


def _quantities(text: str) -> list[re.Match[str]]:
    found = [match for match in QUANTITY.finditer(text) if read_number(match["number"])]
    found += [
        match
        for match in TIMES_SIGN.finditer(text)
        if not any(match.start() < other.end() and other.start() < match.end() for other in found)
    ]
    return sorted(found, key=lambda match: match.start())


def _items(sentence: Sentence) -> list[dict[str, object]]:
    """Read the lines of a quote: a product, how many, and the price of one."""
    text = sentence.skeleton
    head = COMMAND.match(text)
    at = head.end() if head else 0
    quantities = [match for match in _quantities(text) if match.start("number") >= at]
    items = []
    for index, match in enumerate(quantities):
        end = quantities[index + 1].start() if index + 1 < len(quantities) else len(text)
        item = _item(sentence, match, at, end)
        if item:
            items.append(item)
        money = [place for place in range(match.end(), end) if text[place] in (MONEY, DISCOUNT)]
        at = money[-1] + 1 if money else match.end()
    return items


def _item(sentence: Sentence, match: re.Match[str], at: int, end: int) -> dict[str, object] | None:
    start, stop = _product_span(sentence.skeleton, at, match.start())
    if stop - start < 1:
        start, stop = _product_span(sentence.skeleton, match.end(), end)
        cut = re.search(rf"[{''.join(MARKS)}\s,，。;；]|单价|每", sentence.skeleton[start:stop])
        stop = start + cut.start() if cut else stop
    product = trim(sentence.raw[sentence.at(start) : sentence.at(stop)]) if stop > start else ""
    if not product:
        return None
    number = read_number(match["number"])
    quantity = int(number) if number is not None and number == int(number) else str(number)
    item: dict[str, object] = {"product": product, "quantity": quantity}
    prices = [mention for mention in sentence.of(MONEY) if sentence.at(match.end()) <= mention.start < sentence.at(end)]
    if prices:
        money: Money = prices[0].value
        item["unit_price"] = money.text()
    elif price := PRICE_OF_ONE.search(sentence.skeleton[match.end() : end]):
        item["unit_price"] = f"{Decimal(price['price']):.2f}"
    return item


def _product_span(text: str, start: int, end: int) -> tuple[int, int]:
    lead = PRODUCT_LEAD.match(text[start:end])
    start += lead.end() if lead else 0
    tail = PRODUCT_TAIL.search(text[start:end])
    end -= len(tail[0]) if tail else 0
    return start, end


def read_quote(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a quote."""
    slots = who(sentence)
    slots["items"] = _items(sentence)
    if discounts := sentence.of(DISCOUNT):
        slots["discount"] = discounts[0].value
    return slots


METHODS = (
    ("wechat_pay", re.compile(r"微信")),
    ("alipay", re.compile(r"支付宝|alipay|花呗")),
    ("cash", re.compile(r"现金|现款|现钞")),
    ("check", re.compile(r"支票")),
    ("transfer", re.compile(r"转账|汇款|汇来|汇了|汇过来|电汇|网银|对公|银行|打款|转了|转来|转过来|公账|私账|转到")),
    ("other", re.compile(r"承兑|汇票|刷卡|pos|信用卡|云闪付|数字人民币|信用证|抵扣")),
)


def _sum(sentence: Sentence) -> str | None:
    """Return the amount, or else the one number that stands alone."""
    bare = BARE_SUM.findall(sentence.skeleton)
    return amount_of(sentence) or (f"{Decimal(bare[0].replace(',', '')):.2f}" if len(bare) == 1 else None)


def _past_time(sentence: Sentence, now: datetime) -> datetime | None:
    for mention in sentence.of(TIME):
        when: When = mention.value
        if when.tense != "future" and not when.only_span and (moment := behind(when, now)):
            return moment
    return None


def read_payment(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a payment received."""
    slots = who(sentence)
    slots["amount"] = _sum(sentence)
    slots["at"] = _past_time(sentence, now)
    slots["method"] = next((name for name, pattern in METHODS if pattern.search(sentence.skeleton)), None)
    return slots


CATEGORIES = re.compile(
    r"(?:业务招待|市内交通|客户招待|交通|招待|住宿|餐饮|用餐|餐|差旅|出差|打车|"
    r"加油|油|停车|过路过桥|过路|过桥|快递|办公用品|办公|通讯|电话|话|礼品|机票|"
    r"高铁|火车|会务|会议|培训|物流|运输|运|印刷|打印|复印|推广|广告|团建|场地|"
    r"材料|样品|维修|宣传|展会|搬运|翻译|洗车|高速|水电|房租|网络|服务|资料|中介|"
    r"装卸|租车|保险)费|"
    r"过路费|打车|打的|加油|停车|高铁票|火车票|机票|车票|住宿|酒店|餐饮|吃饭|请客|"
    r"请吃饭|礼品|快递|油钱|餐费|茶叶|水果|招待|办公用品"
)
ANY_FEE = re.compile(r"(?P<fee>[一-鿿]{1,4}费)(?!用|劲|心)")
FEE_LEAD = re.compile(r"^(?:报销|报|记|一笔|一下|个|下|的|付|了|花|我|今天|给|交|垫付|垫)+")


def read_expense(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of an expense."""
    slots = who(sentence)
    if "person" in slots and "company" in slots:
        del slots["company"]
    slots["amount"] = _sum(sentence)
    slots["at"] = _past_time(sentence, now)
    named = list(CATEGORIES.finditer(sentence.skeleton))
    if match := next((each for each in named if each[0].endswith("费")), named[0] if named else None):
        slots["category"] = match[0]
    elif fee := ANY_FEE.search(sentence.skeleton):
        slots["category"] = FEE_LEAD.sub("", fee["fee"])
    return slots
