"""Choose the intent of a sentence: the rule table first, then what the context tells."""

import re

from handlers.understanding.contacts import SAID, TOLD, WITH, contact_told, find_method
from handlers.understanding.deal_rules import ADVANCE, BARE_SUM, EXPENSE, LOST, MONEY_IN, MOVING, QUOTE, WON
from handlers.understanding.deals import CLOSE
from handlers.understanding.looks import ASKS, LOOK_UP, look, look_back
from handlers.understanding.mentions import COMPANY, EMAIL, MONEY, PERCENT, PERSON, PHONE, REF, TIME, WHO, Sentence
from handlers.understanding.moments import When
from handlers.understanding.phones import find_wechat_id
from handlers.understanding.rules import (
    BROADCAST,
    COMMANDS,
    DEALS,
    GREET,
    HANDOVER,
    HEADS,
    POLITE,
    POOL,
    REMIND,
    UPDATE_FIELD,
    Rule,
)
from handlers.understanding.short import help_topic, short_answer
from handlers.understanding.stages import find_stage
from handlers.understanding.task_rules import TASKS

UPDATE = re.compile(
    rf"(?:换|改|更新|变更|修改|更正|新(?!线索|客户|增|建|商))(?:了|成|为|个|下|"
    rf"一下|的|过|到|一?个)*(?:新)?(?:的)?(?:{UPDATE_FIELD}|号|工作|岗位)|{UPDATE_FIELD}(?:号码?)?(?:已经|"
    rf"也|都)?(?:改|换|变|更新|是|为|:|：|成|应该是|\s*[{PHONE}{EMAIL}])"
    rf"|生日|升(?!级|温|值|价|降|高|到\d)|跳槽|调(?:到|任|去)(?!.{{0,3}}标签)|(?:现在|"
    rf"已经|目前)(?:是|任|当|做|在).{{0,14}}(?:总裁|总监|经理|主任|主管|总|公司|集团|"
    rf"上班|工作)|搬(?:到|家|去)|(?:记|存|补|加|填)(?:一?下|上|个)*[^,，]{{0,8}}{UPDATE_FIELD}|"
    rf"(?:离职|入职|跳)(?:了)?(?:去|到)|{UPDATE_FIELD}(?:号码?)?(?:不对|错了|写错|有误)|(?:去|到|进)了(?:一?家|个)?新(?:公司|单位)|(?:现在|目前|如今)在(?:了)?{COMPANY}|离开(?:了)?(?:原|前)?(?:公司|单位)|出生|生于|{WHO}(?:的|家|公司|单位|办公)*(?:地址|住址)[\s,，:：是]|"
    rf"提(?:拔)?(?:为|成|了)?(?=[^,，。]{{0,6}}(?:总监|经理|主任|主管|总裁|副总|长)(?:了|$))|(?:换|跳)(?:了|个|家)*(?:公司|单位|东家|工作)|(?:更新|修改|变更|更正|改)(?:一下|下)?[\s,，:：]*{WHO}[\s,，的]*{UPDATE_FIELD}|"
    rf"(?:当|做|任)(?:上|了|为)+[^,，。]{{0,8}}(?:总监|经理|主任|主管|总|长)(?:了|[\s,，。]|$)"
)
# The person has another post: "换公司了 去了华清科技" is no visit.
MOVED_ON = re.compile(
    r"跳(?:到|去)|(?:去|到|进)了(?:一?家|个)?新(?:公司|单位)|跳槽|换(?:了|个|家)*(?:公司|单位|东家|工作)|离职|离开|入职|升职|升任|调(?:到|任|去)"
)
# A deal called by what is sold, with another sum, and the whole sentence of a day on which it should be closed.
CORRECTED_DEAL = re.compile(
    rf"^[\s]*把?{WHO}的(?![^,，。\s]*(?:预算|欠款|应收|单价|报价|回款|费|成本|金额))[^,，。\s{TIME}]{{2,12}}?"
    rf"(?:改成|改为|改到|调到|调成|调整为){MONEY}[\s。!！吧了]*$"
)
COMING_CLOSE = re.compile(
    rf"^[\s]*{WHO}(?:的(?:单子?|项目))?[\s,，]*(?:预计|估计|争取|大概|计划)[\s]*(?:在|到)?{TIME}(?:前|之前|左右|能|可以)*"
    r"(?:关单|成交|成单|签单|签约|签合同|拿下)[\s。!！吧了]*$"
)
NEW_LEAD = re.compile(
    r"(?:新|录|加|建|添加|登记|新增|来了?|记|存|创建|录入|收|接|收到|进来|入库|"
    r"弄|多)(?:一?个|一?条|一?下|了|位|一位|一家|家|新的?|名|组|到|进|入|有|潜在|"
    r"意向)*(?:的)?(?:线索|客户|潜客|意向客户|联系人|名片|客资|(?<![a-z])leads?(?![a-z])|"
    r"customer)|(?<![a-z])new (?:lead|customer)|^[\s]*(?:线索|客户|名片|潜客)[:：\s]|"
    r"有(?:个|一个|位)(?:新|潜在|意向)?(?:客户|线索)(?:叫|是|想|要|,|，|\s)"
)
NEW_LEAD_HEAD = re.compile(
    rf"{POLITE}(?:新|录|加|建|添加|登记|新增|记|存|创建|录入|来了?|收到?)(?:一?个|"
    rf"一?条|一?下|了|位|一位|一家|家|新的?|名|潜在|意向)*(?:的)?(?:线索|客户(?!资料|"
    rf"列表|有|的|分析|生日|标签)|潜客|联系人|名片|客资|(?<![a-z])leads?(?![a-z]))(?!公海|"
    rf"池|列表|有多少|有哪些|多少|[^,，。]{{0,8}}(?:有哪些|有多少|列表|多少|几个))"
    r"|^[\s]*(?:线索|客户|潜客)[:：]"
)
VISIT = re.compile(
    rf"拜访|走访|上门|登门|到访|实地|(?:去|到|来|在|抵达)(?:了|一趟|趟)?{WHO}|(?:去|"
    rf"到)(?:了|一趟|趟)?(?:客户|他们|现场)|跑(?:一?趟|了趟|了一趟)|{WHO}(?:那边|"
    rf"那里|那儿|这边|楼下|门口|公司)?(?:跑|去)(?:一?趟|了)"
)
OUTCOME = re.compile(
    r"说|反馈|表示|觉得|认为|嫌|担心|同意|答应|拒绝|认可|满意|感兴趣|有兴趣|有意向|"
    r"没意向|考虑|犹豫|纠结|没回|不在|没见到|没人|要求|提出|问(?!题)|定(?:了|下)|"
    r"谈(?:了|妥|好|得|的|到)|聊(?:了|得|的|到)|确认了|签了|成交|赢|预算|竞品|"
    r"对手|态度|挺|比较|不错|还行|太|很|有点|希望|想要|需要|阶段|再|回头|没(?:戏|"
    r"谈|定|结果|问题)|不(?:感|太|需|想|着|急|错|行|同)|通过|顺利|[好差]$|演示完|"
    r"看完"
)


# What the people there do or want is an outcome: "他们要换一批门锁".
NEWS = re.compile(
    r"(?:^|[\s,，。;；]|[了])(?:他|她|他们|她们|对方|客户|人家|那边|那头|老板|领导)[^\s,，。]{0,6}?(?:要|想|会|有|在|正|缺|准备|打算|让|叫|给|没|不|愿意|换|买|用|已|刚|最近|下)"
)
COMING_WIN = re.compile(r"签约成功|成功签约|签下来了|中标了|赢单|赢了|成交了|拿下了|签了|成了")


def _first(rules: tuple[Rule, ...], skeleton: str) -> tuple[str, float] | None:
    for each in rules:
        if each.fits(skeleton):
            return each.intent, each.confidence
    return None


# "群发付款提醒" sends a reminder to customers; only "提醒我" asks for one.
REMIND_ME = re.compile(r"提醒(?:一下)?(?:我|自己)|^[\s]*提醒|记得|别忘")


def _reminder(sentence: Sentence) -> tuple[str, float] | None:
    """Take the asking for a reminder, unless a contact was told before it."""
    match = re.search(REMIND, sentence.skeleton)
    whens: list[When] = [mention.value for mention in sentence.of(TIME)]
    repeated = any(when.repeat for when in whens)
    if match is None:
        return ("set_reminder", 0.8) if repeated and not _is_marketing(sentence.skeleton) else None
    before = sentence.skeleton[: match.start()]
    if re.fullmatch(r"(?:我|一下|下|吧|[\s。!！])*", sentence.skeleton[match.end() :]) and not re.search(r"[了过刚说]", before):
        # "明天9点和张伟开会提醒我": nothing has happened yet.
        return "set_reminder", 0.95
    if contact_told(before) or (re.search(WHO, before) and SAID.search(before)):
        return "log_follow_up", 0.85
    return "set_reminder", 0.95


def _is_marketing(skeleton: str) -> bool:
    return bool(re.search(rf"群发|推送|{GREET}", skeleton))


def _money(skeleton: str) -> tuple[str, float] | None:
    number = MONEY in skeleton or BARE_SUM.search(skeleton)
    if EXPENSE.fits(skeleton) and (number or "报销" in skeleton) and not re.search(r"回款|到账", skeleton):
        return "log_expense", 0.9
    if MONEY_IN.fits(skeleton) and (number or "回款" in skeleton) and not (WITH.search(skeleton) and TOLD.search(skeleton)):
        return "log_payment", 0.9
    return None


def _deal(sentence: Sentence) -> tuple[str, float] | None:
    """Win, loss and moves of an opportunity; a told contact makes all of them a follow-up."""
    skeleton = sentence.skeleton
    found = _first(DEALS, skeleton)
    if found:
        return found
    who = re.search(rf"{WHO}|{REF}", skeleton)
    if not who or contact_told(skeleton):
        return None
    if LOST.fits(skeleton):
        return "lose_opportunity", 0.9
    if WITH.search(skeleton) and len(sentence.of(TIME)) > 1:
        # Whom one met, and what comes next: more is told than the deal.
        return None
    if WON.fits(skeleton) and (COMING_WIN.search(skeleton) or not _is_coming(sentence)):
        return "win_opportunity", 0.9
    if re.search(r"提醒|公海|标签", skeleton):
        return None
    if CORRECTED_DEAL.search(skeleton) or (COMPANY in skeleton and COMING_CLOSE.search(skeleton)):
        return "advance_opportunity", 0.85
    named = ADVANCE.search(skeleton)
    stage = find_stage(skeleton, loose=bool(named))
    if named and MOVING.search(skeleton) and (stage or PERCENT in skeleton or MONEY in skeleton or "关单" in skeleton):
        return "advance_opportunity", 0.9
    moves = re.search(r"推进|推到|进入|进到|改(?:成|到|为)|把握|概率|关单|阶段", skeleton)
    if moves and not _goes_on(sentence) and (stage or PERCENT in skeleton or "关单" in skeleton) and not SAID.search(skeleton):
        return "advance_opportunity", 0.8
    return None


def _goes_on(sentence: Sentence) -> bool:
    """Tell whether a next step is told beside the move of a deal that is not named: then it is a follow-up."""
    return _is_coming(sentence) and not CLOSE.search(sentence.skeleton)


def _record(sentence: Sentence) -> tuple[str, float] | None:
    """Leads and contact data."""
    skeleton = sentence.skeleton
    asks = ASKS.search(skeleton)
    if (
        NEW_LEAD.search(skeleton)
        and not LOOK_UP.match(skeleton)
        and not re.search(
            rf"哪些|列表|多少|[?？]|{TIME}(?:我|的)*(?:新增|新来|新进|录入|新录)的?(?:线索|"
            rf"客户)[\s呢]*$",
            skeleton,
        )
        and not contact_told(skeleton)
    ):
        return "create_lead", 0.9
    if (
        PERSON in skeleton
        and (CHANGED.search(skeleton) or not _is_of_stranger(sentence))
        and not NO_VALUE.match(skeleton)
        and UPDATE.search(skeleton)
        and not asks
        and (
            not contact_told(skeleton)
            or (MOVED_ON.search(skeleton) and not (find_method(skeleton) not in {None, "visit"} or SAID.search(skeleton)))
        )
        and not re.search(r"公海", skeleton)
    ):
        return "update_contact", 0.9
    if PHONE in skeleton and _is_of_stranger(sentence) and not WITH.search(skeleton) and not LOOK_UP.match(skeleton):
        return "create_lead", 0.75
    if PHONE in skeleton and KEEP.search(skeleton):
        return "create_lead", 0.8
    given = PHONE in skeleton or EMAIL in skeleton or (find_wechat_id(sentence) is not None and PERSON in skeleton)
    if given and not contact_told(skeleton) and not LOOK_UP.match(skeleton):
        known = any(mention.known for mention in sentence.of(PERSON))
        return ("update_contact", 0.75) if known and not re.search(r"线索|客户", skeleton) else ("create_lead", 0.75)
    return None


CHANGED = re.compile(
    rf"^[\s]*{WHO}的{UPDATE_FIELD}|"
    r"换|改|更新|变|更正|修改|新(?:的|号|电话|手机|邮箱|微信|地址)|升|调|跳|搬|不对|错|记一?下|记上|补充|生日"
)


def _is_of_stranger(sentence: Sentence) -> bool:
    """Tell whether an address is given for somebody who is none of the speaker's own people: then it is a lead."""
    given = PHONE in sentence.skeleton or EMAIL in sentence.skeleton
    people = sentence.of(PERSON)
    return given and bool(people) and not any(mention.known for mention in people)


KEEP = re.compile(r"(?:录|登记|存|建档|入库|收录)(?:一下|下来|入|进(?:去|来|系统)?|起来|了)?(?:吧|哈)?[\s。!！]*$")


NO_VALUE = re.compile(rf"^(?!.*[\d{TIME}{PHONE}{EMAIL}]).*生日")


def _visit(sentence: Sentence) -> tuple[str, float] | None:
    """Take going to a place as a visit; with an outcome it is a follow-up."""
    skeleton = sentence.skeleton
    if not VISIT.search(skeleton) or not re.search(WHO, skeleton):
        return None
    if OUTCOME.search(skeleton) or NEWS.search(skeleton) or _steps(sentence) > 1:
        return None
    if _is_coming(sentence) and re.search(r"(?:去|到|拜访|走访|上门|跑|见|量)(?:了|过)", skeleton):
        return None
    if find_method(VISIT.sub(" ", skeleton)) not in {None, "visit"}:
        return None
    return "log_visit", 0.85


def _steps(sentence: Sentence) -> int:
    """Count the times that name different moments: a visit and a next step are two."""
    return len([mention for mention in sentence.of(TIME) if not mention.value.just_now])


def _is_coming(sentence: Sentence) -> bool:
    return any(mention.value.tense == "future" or mention.value.lean == "future" for mention in sentence.of(TIME))


HAPPENED = re.compile(
    r"了(?!解)|过(?!去|来|年|节|两天|几天)|没|完(?!成|善)|(?:电话|微信|钉钉|视频|拜访|面谈|开会)(?:里|中)?(?:他|她|对方)|意向|预算"
)


def _talk(sentence: Sentence) -> tuple[str, float]:
    skeleton = sentence.skeleton
    somebody = re.search(WHO, skeleton)
    coming = _is_coming(sentence)
    if somebody and (TOLD.search(skeleton) or SAID.search(skeleton)):
        return "log_follow_up", 0.9
    if somebody and find_method(skeleton):
        planned = coming and not re.search(r"[\s,，。]\S", skeleton.strip()) and not HAPPENED.search(skeleton)
        planned = planned and not any(mention.value.tense == "past" or mention.value.just_now for mention in sentence.of(TIME))
        return ("set_reminder", 0.65) if planned else ("log_follow_up", 0.75)
    if (
        coming
        and len(skeleton.strip()) > 3
        and not somebody
        and re.search(r"开会|交|去|打|联系|约|寄|送|发|做|写|参加|出差|汇报|面试|还|买|接|签", skeleton)
    ):
        return "set_reminder", 0.65
    if somebody and len(skeleton.strip()) >= 4:
        return "log_follow_up", 0.65 if sentence.of(TIME, MONEY) or find_stage(skeleton) else 0.5
    return "unknown", 0.2


def _is_told(skeleton: str) -> bool:
    """Tell whether a contact is told; "今天都约了谁" asks."""
    asks = not re.search(WHO, skeleton) and re.search(r"(?:谁|啥|什么|哪些|哪几个|吗)[\s?？]*$", skeleton)
    return bool(TOLD.search(skeleton) and not asks)


def classify(sentence: Sentence) -> tuple[str, float]:
    """Return the intent of a sentence and how sure it is."""
    skeleton = sentence.skeleton
    if not re.search(r"[0-9a-z一-鿿\ue000-\ue00c]", skeleton):
        return "unknown", 0.1
    if NEW_LEAD_HEAD.match(skeleton):
        return "create_lead", 0.95
    found = _first(HEADS, skeleton) or (None if _is_told(skeleton) else _first(TASKS, skeleton))
    if found:
        return found
    marketing = _is_marketing(skeleton) and not re.search(REMIND_ME if "群发" in skeleton else REMIND, skeleton)
    found = _first(BROADCAST, skeleton) if marketing else _reminder(sentence)
    if found:
        return found
    if not contact_told(skeleton):
        found = (
            _first(HANDOVER, skeleton) or _first(POOL, skeleton) or _first(COMMANDS, skeleton) or _first(BROADCAST, skeleton)
        )
        if found:
            return found
    found = _money(skeleton) or _deal(sentence)
    if found:
        return found
    if QUOTE.fits(skeleton) and not contact_told(skeleton):
        return "create_quote", 0.9
    return look_back(skeleton) or _record(sentence) or look(skeleton) or _visit(sentence) or _talk(sentence)


def at_first_glance(plain: str) -> tuple[str, str | None] | None:
    """Return the intent of a short answer or a question about use, with its topic; None when there is more to read."""
    found = short_answer(plain)
    if found:
        return found, None
    topic = help_topic(plain)
    return ("help", topic) if topic else None
