"""The slots of opportunities, won and lost deals, the funnel and performance."""

import re
from datetime import datetime

from handlers.understanding.clauses import clauses_of, trim, words
from handlers.understanding.followups import amount_of, who
from handlers.understanding.leads import BECAUSE, NOT_REASON
from handlers.understanding.mentions import COMPANY, MARKS, PERCENT, PERSON, TIME, Sentence
from handlers.understanding.moments import When, ahead
from handlers.understanding.people import name_at_start
from handlers.understanding.stages import ANY, find_stage
from handlers.understanding.tasks import range_of

NOT_PRODUCT = re.compile(
    rf"客户(?=\s*[{PERSON}{COMPANY}]|$)|商机|销售机会|机会单|预计|预估|估计|大概|大约|左右|金额|预算|关单|成交|成单|"
    rf"签单|签约|签|落单|把握|概率|可能性?|赢率|胜算|产品(?:是|为|:|：)?|阶段|需求(?:是|"
    rf"为)?|目前|现在|处于|处在|在|(?:{ANY})(?=阶段|$)|"
    r"给|帮我|帮|请|麻烦|建|新建|新增|创建|添加|录入?|登记|立|加|开|来|弄|一个|"
    r"一条|一下|个|条|新的?|的|了|是|有|元|总价|总共|能|前|之前|内|拿下|把|想要|"
    r"要|想|做|买|采购|希望|吧|哈"
)
CLOSE = re.compile(r"关单|成交|成单|签单|签约|签下?|落单|拿下|预计|结单|下单|close|敲定|签合同")


def _probability(sentence: Sentence) -> object:
    found = sentence.of(PERCENT)
    return found[0].value if found else None


def _expected_close(sentence: Sentence, now: datetime) -> object:
    for mention in sentence.of(TIME):
        when: When = mention.value
        if when.tense != "past" and (when.days or when.exact) and (moment := ahead(when, now)):
            return moment.date()
    return None


def _product(sentence: Sentence) -> str | None:
    """Find the first words that are neither the command nor money, chance or date."""
    for clause in clauses_of(sentence):
        for part in re.finditer(rf"[^{''.join(MARKS)}\s、]+", clause.text):
            text = part[0]
            leading = re.match(rf"(?:{NOT_PRODUCT.pattern})+", text)
            start = clause.start + part.start() + (leading.end() if leading else 0)
            end = clause.start + part.end()
            trailing = re.search(rf"(?:{NOT_PRODUCT.pattern})+$", sentence.skeleton[start:end])
            end -= len(trailing[0]) if trailing else 0
            if end - start >= 2 and not re.fullmatch(rf"(?:{ANY})(?:阶段)?", sentence.skeleton[start:end]):
                return words(sentence, start, end, []) or None
    return None


def read_new_opportunity(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a new opportunity."""
    slots = who(sentence)
    slots["product"] = _product(sentence)
    slots["amount"] = amount_of(sentence)
    slots["probability"] = _probability(sentence)
    slots["expected_close"] = _expected_close(sentence, now)
    slots["stage"] = find_stage(CLOSE_WORDS.sub(" ", sentence.skeleton))
    return slots


def read_advance(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a moved opportunity."""
    slots = who(sentence)
    slots["stage"] = find_stage(CLOSE_WORDS.sub(" ", sentence.skeleton), loose=True)
    slots["amount"] = amount_of(sentence)
    slots["probability"] = _probability(sentence)
    if CLOSE.search(sentence.skeleton):
        slots["expected_close"] = _expected_close(sentence, now)
    return slots


CLOSE_WORDS = re.compile(
    rf"(?:预计|争取|计划|打算)?(?:在)?{TIME}[^,，。\s]{{0,6}}?(?:关单|成交|签单|"
    rf"签约|签合同|签|成单)|预计(?:关单|成交|签单|签约|成单)(?:日期|时间)?"
)


def read_won(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a won deal."""
    return who(sentence) | {"amount": amount_of(sentence)}


LOSING = re.compile(
    r"失败了|丢单|丢了|输单|输了|没戏|黄了|飞了|凉了|没拿下|没(?:谈)?成|泡汤|吹了|跑单|"
    r"失单|战败|打水漂|死单|单(?:子)?没了|没希望了|没机会了|崩了|掉单|流单"
)


def read_lost(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a lost deal; the reason is what is told beside the loss."""
    slots = who(sentence)
    if match := BECAUSE.search(sentence.skeleton):
        slots["reason"] = words(sentence, match.start("reason"), match.end("reason"), [])
        return slots
    pieces = []
    for clause in clauses_of(sentence):
        text = re.sub(
            rf"[{PERSON}{COMPANY}]|的|那|这|个|单子?|项目|商机|订单|生意|deal|了|也|已经|"
            rf"彻底|最后|最终|还是",
            "",
            LOSING.sub("", clause.text),
        )
        if len(text.strip()) >= 2 and not NOT_REASON.match(clause.text):
            lost = LOSING.search(clause.text)
            start = clause.start + (lost.end() if lost and lost.end() < len(clause.text) - 1 else 0)
            end = clause.start + (lost.start() if lost and lost.end() >= len(clause.text) - 1 else len(clause.text))
            pieces.append(words(sentence, start, end, []))
    slots["reason"] = trim("，".join(piece for piece in pieces if piece)) or None
    return slots


NOBODY = re.compile(r"^(?:我|咱|本人|自己|团队|部门|全员|大家|公司|所有)")
LOOKING = re.compile(
    r"^(?:请|帮我|麻烦|给我|我想|我要|想|看看|看一下|看下|查看|查一下|查下|查|"
    r"看|瞧瞧|调出|调一下|显示|列出|列一下|打开|出|来|一下|下|销售|同事)+"
)


def read_figures(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of the funnel and of performance: whose, and of which days."""
    slots: dict[str, object] = {"range": range_of(sentence, now, forward=False)}
    people = sentence.of(PERSON)
    if people:
        slots["assignee"] = people[0].value
        return slots
    text = LOOKING.sub("", sentence.skeleton.replace(TIME, " ").strip())
    if not NOBODY.match(text) and (name := name_at_start(re.sub(r"\s", "", text)) or name_at_start(text)):
        slots["assignee"] = name
    return slots
