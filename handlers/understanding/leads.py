"""The slots of leads and the pool: new leads, claiming, releasing, handing to a colleague."""

import re
from datetime import datetime

from handlers.understanding.clauses import clauses_of, trim, words
from handlers.understanding.conditions import find_region
from handlers.understanding.followups import amount_of, who
from handlers.understanding.mentions import COMPANY, EMAIL, MARKS, PERSON, PHONE, REF, WHO, Sentence
from handlers.understanding.names import TRADE
from handlers.understanding.people import looks_like_name, name_at_start
from handlers.understanding.phones import find_wechat_id, malformed_phone

SOURCES = (
    "老客户转介绍|老客户介绍|客户转介绍|熟人介绍|朋友介绍|同事介绍|朋友推荐|同行介绍|"
    "转介绍|朋友圈|视频号|公众号|小红书|企业微信|微信群|社群|百度推广|百度竞价|"
    "百度|抖音直播|抖音|快手|微博|知乎|b站|官网留言|官网咨询|官网|"
    "展会|展销会|博览会|交易会|广交会|工博会|行业会|峰会|论坛|沙龙|线下活动|地推|"
    "扫码|扫楼|陌拜|电销|电话销售|电话营销|短信|邮件营销|广告|传单|阿里巴巴|1688|"
    "阿里|淘宝|天猫|京东|拼多多|美团|大众点评|自己找上门|上门咨询|主动咨询|门店|"
    "直播|招标网|400电话|400|微信|网站|领英|linkedin"
)
SOURCE_WORD = re.compile(
    rf"(?:通过|来自|来源(?:是|为|:|：)?|从|渠道(?:是|为|:|：)?|在)?(?P<source>(?:[一-鿿]{{1,4}}(?=展会|"
    rf"博览会|峰会|论坛))?(?:{SOURCES}))(?:上|里|那边|那)?(?:来|认识|注册|报名|关注|加|过来|进来|"
    rf"咨询|找|留言|看到|扫|联系|介绍|推荐|渠道|获取|线索|的|$|[\s,，。;；]|拿到|私信|问|刷|换|收到|聊|打|"
    rf"遇到|碰到)"
)
TALK_CHANNELS = ("微信", "短信", "企业微信", "微信群")
SOURCE_SAID = re.compile(
    r"(?:来源(?:是|为|:|：)?|渠道(?:是|为|:|：)?|来自|通过)\s?(?P<source>[^\s,，。;；"
    + "".join(sorted(MARKS - {PERSON, COMPANY}))
    + r"]{1,12}?)(?:来的|认识的?|加的|过来的?|找到的?|介绍来?的|的(?=[\s,，。]|$)|"
    r"[\s,，。;；]|$)"
)
INTRODUCED = re.compile(
    r"(?<![^\s,，。是由])(?:是|由)?(?P<source>[^\s,，。;；的]{1,8}(?:介绍|推荐|"
    r"转介))(?:来|过来)?的?(?=[\s,，。]|$)"
)
# What is behind 微信 when it names an account: "微信 caocao666".
ID_BEHIND = re.compile(r"(?:号|id)?[\s:：]*[a-z][a-z0-9_\-]{5,19}")
TITLE_ENDS = (
    r"总经理助理|总经理|副总经理|副总裁|总裁|副总|董事长|合伙人|创始人|法人|总监|"
    r"经理|主任|主管|厂长|院长|校长|园长|店长|科长|处长|局长|部长|行长|所长|站长|"
    r"队长|工程师|采购员|采购|负责人|老板娘|老板|老师|会计|出纳|秘书|助理|专员|"
    r"顾问|设计师|"
    r"架构师|技术员|教授|护士长|医生|律师|(?<![a-z])(?:ceo|cto|cfo|coo|cio|cmo|hr|vp|pm)(?![a-z])"
)
TITLE = re.compile(rf"(?:[一-鿿]{{0,6}}|it|hr)(?:{TITLE_ENDS})", re.IGNORECASE)
TITLE_LEAD = re.compile(
    r"^(?:他|她|是|的|职位|职务|头衔|担任|做|任|当|现在|在|那边|这边|公司|联系人|"
    r"客户|找|跟|和|叫|升|成|为|了|他们|对方|一个|个|位|负责|:|：)+"
)
NEED = re.compile(
    r"(?:需要|需求(?:是|为|:|：)?\s?|想要|想买|想做|想订|想采购|想上|想找|想了解|"
    r"想咨询|想定|要买|要采购|要订|要上|求购|采购(?=\d|[一二两三四五六七八九十几])|"
    r"咨询|了解|打算买|打算上|打算采购|计划采购|准备采购|准备买|意向(?:产品|是|"
    r":|：)(?:是|为|:|：)*|对(?=[^,，。]{1,14}(?:感兴趣|有兴趣))|想(?=[一-鿿])|要(?=\d|[一二两三四五六七八九十几]|"
    r"买|做|订|定|换|装|上|建|改|配|租|用)|问(?=[^,，。\s]{2,8}(?:价格?|多少钱|报价)))(?P<need>[^,，。;；\s]{1,30})"
)
WANTED = re.compile(r"(?<![需只主重想])要(?!求|是|了|不|紧|么|不要|我)(?P<need>[^,，。;；\s]{2,30})")
NAMED_BY_TRADE = re.compile(rf"[一-鿿]{{2,8}}(?:{TRADE})")
# Words of the lead's own story, and no part of a company's name.
NO_COMPANY = re.compile(
    rf"{SOURCES}|{TITLE_ENDS}|[的做要想来买是在有找卖搞去了]|电话|来电|产品|价格|业务|在线|网上|需求|预算|认识|介绍|客户|线索|意向|报价|设备"
)
HEAD = re.compile(
    r"(?:请|帮我|麻烦|我|给我|来|了|有)*(?:新|录|加|建|添加|登记|新增|记|存|创建|"
    r"录入|收|接|收到|进来|入库|弄|多)?(?:一?个|一?条|一?下|了|位|一位|一家|家|"
    r"新的?|名|组|到|进|入|有|潜在|意向)*(?:的)?(?:线索|客户|潜客|联系人|名片|"
    r"客资|(?<![a-z])leads?(?![a-z])|customer)(?:信息)?[:：\s]*|new"
)
LABEL = re.compile(
    r"^(?:姓名|名字|联系人|客户|称呼|叫|名叫|电话|手机|手机号|座机|邮箱|微信号?|"
    r"公司|单位|职位|职务|地址|城市|地区|区域|来源|需求|预算|备注|是|的|他|她|"
    r"：|:|\s)+"
)


def _source(sentence: Sentence) -> tuple[str | None, tuple[int, int]]:
    for pattern in (SOURCE_WORD, SOURCE_SAID, INTRODUCED):
        # A channel of talk is a source only when nothing better is named: "加我微信问的，说是老客户转介绍".
        found = sorted(pattern.finditer(sentence.skeleton), key=lambda match: match["source"] in TALK_CHANNELS)
        for match in found:
            start, end = match.span("source")
            if pattern is SOURCE_WORD and re.search(r"(?:发|加|打)$", sentence.skeleton[:start]):
                continue
            if match["source"] in TALK_CHANNELS and ID_BEHIND.match(sentence.skeleton, end):
                continue
            return sentence.raw[sentence.at(start) : sentence.at(end)], (start, end)
    return None, (0, 0)


def _title(sentence: Sentence) -> str | None:
    for match in TITLE.finditer(sentence.skeleton):
        title = TITLE_LEAD.sub("", match[0])
        if title and len(title) >= 2 and not HEAD.fullmatch(title):
            end = match.end()
            return sentence.raw[sentence.at(end - len(title)) : sentence.at(end)]
    return None


def _name_in_clauses(sentence: Sentence) -> str | None:
    """Find the clause, or the end of a title clause, that is a name by its form."""
    for clause in clauses_of(sentence):
        text = HEAD.sub("", clause.text)
        text = LABEL.sub("", text)
        for part in re.split(rf"[{''.join(MARKS)}\s、]", text):
            part = re.sub(rf"^(?:[一-鿿]{{0,6}}(?:{TITLE_ENDS}))(?=[一-鿿]{{2,4}}$)", "", LABEL.sub("", part))
            part = re.sub(r"(?:电话|手机|微信|的)$", "", part)
            if looks_like_name(part):
                return part
            if name := name_at_start(part):
                return name
    return None


def _company_beside(sentence: Sentence, source: tuple[int, int]) -> str | None:
    """Find the word beside the person, or behind the number, that is left over and looks like a company by its trade."""
    pieces = list(re.finditer(rf"[{PERSON}{PHONE}]|[^\s,，、;；{''.join(MARKS)}]+", sentence.skeleton))
    for place, piece in enumerate(pieces):
        before = pieces[place - 1][0] if place else ""
        after = pieces[place + 1][0] if place + 1 < len(pieces) else ""
        if not (before in (PERSON, PHONE) or after == PERSON) or source[0] <= piece.start() < source[1]:
            continue
        if NAMED_BY_TRADE.fullmatch(piece[0]) and not NO_COMPANY.search(piece[0]):
            return sentence.raw[sentence.at(piece.start()) : sentence.at(piece.end())]
    return None


def _without_source(sentence: Sentence, slots: dict[str, object], span: tuple[int, int]) -> dict[str, object]:
    """Leave those out who only introduced the lead ("张总介绍的")."""
    kept = dict(slots)
    for slot, kind in (("person", PERSON), ("company", COMPANY)):
        mentions = sentence.of(kind)
        others = [each for each in mentions if not sentence.at(span[0]) <= each.start < sentence.at(span[1])]
        if len(others) < len(mentions):
            kept.pop(slot, None)
            if others:
                kept[slot] = others[0].value
    return kept


def read_lead(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a new lead."""
    slots = who(sentence)
    source, span = _source(sentence)
    slots = _without_source(sentence, slots, span)
    if "person" not in slots and (name := _name_in_clauses(sentence)):
        slots["person"] = name
    if "company" not in slots and (company := _company_beside(sentence, span)):
        slots["company"] = company
    for slot, kind in (("phone", PHONE), ("email", EMAIL)):
        if found := sentence.of(kind):
            slots[slot] = found[0].value
    slots["wechat_id"] = find_wechat_id(sentence)
    slots["source"] = source
    slots["title"] = _title(sentence)
    slots["amount"] = amount_of(sentence)
    rest = sentence.skeleton[: span[0]] + " " * (span[1] - span[0]) + sentence.skeleton[span[1] :]
    slots["region"] = find_region(rest)
    if match := NEED.search(sentence.skeleton) or WANTED.search(sentence.skeleton):
        need = words(sentence, match.start("need"), match.end("need"), [])
        slots["need"] = re.sub(r"(?:很|比较|非常)?(?:感|有)兴趣$", "", need)
    if "phone" not in slots and (typed := malformed_phone(sentence.raw)):
        # A number with a digit too few or too many is kept as words, so that nothing typed is lost.
        slots["need"] = f"{slots['need']} {typed}" if slots.get("need") else typed
    return slots


def subject(sentence: Sentence) -> dict[str, object]:
    """Return whom a command on a lead is about: person, company or reference."""
    slots = who(sentence)
    if refs := sentence.of(REF):
        slots["ref"] = refs[0].value
    return slots


CLAIM_NAME = re.compile(
    r"(?:领取|认领|抢单?|领|捡|捞)(?:一?下|个|走|了|线索|客户|这个|这条)*[\s,，:：]*(?P<name>[^\s,，。!！]{2,16})"
)


def read_claim(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a claim."""
    slots = subject(sentence)
    if not slots and (match := CLAIM_NAME.search(sentence.skeleton)):
        name = re.sub(r"(?:这个|那个)?(?:线索|客户|吧|了|来|过来|我来跟)+$", "", match["name"])
        if name and not re.search(r"公海|线索|客户", name):
            slots["person"] = name
    return slots


RELEASING = re.compile(
    r"公海|线索池|不要了|释放|放弃|不跟|退(?:回|掉)|扔回|丢回|转给|移交|交接|交给|分配|"
    r"指派|派给|过户|划给|负责(?!人)|接手(?!人)|(?:转|给|换成?|派|移交)\ue001|归\ue001"
)
BECAUSE = re.compile(r"(?:因为|原因(?:是|:|：)?|由于|理由(?:是|:|：)?|主要是)(?P<reason>[^。;；]+)")
# Said in one breath with the command: "放回公海一直联系不上", "转给林小舟跟进原来的人离职了", "周婷联系不上放回公海".
BESIDE = re.compile(
    rf"(?:公海|线索池)(?:里面?|池|中)?(?:去|吧|了|啊|哈)*(?P<after>(?!里|中|第|{WHO}|谁|有)[^\s]{{3,}})$|"
    rf"给{PERSON}(?:那边|名下|来|去)*(?:跟进?|负责|接手|对接|维护|管)?(?:吧|了)*(?P<after2>(?!吧|了|去|来|跟|负责|接手|处理)[^\s]{{3,}})$|"
    rf"^(?:把|将)?{WHO}(?:那边|这边)?(?P<before>(?!的|这|那|我|不跟|先)[^\s{PERSON}{COMPANY}]{{3,10}}?)(?:就|先|所以)?(?:放|退|扔|丢)(?:回|到|进)[^,，。]{{0,4}}公海"
)
NOT_REASON = re.compile(rf"^(?:[\s吧了啊哈{''.join(MARKS)}]|把|将|的|谢谢|麻烦|辛苦|线索|客户)*$")


def reason_of(sentence: Sentence, command: re.Pattern[str] = RELEASING) -> str | None:
    """Return the speaker's reason: after 因为, or the clauses that are not the command itself."""
    pieces = []
    for clause in clauses_of(sentence):
        because = BECAUSE.search(clause.text)
        if because:
            pieces.append(words(sentence, clause.start + because.start("reason"), clause.end, []))
        elif not command.search(clause.text):
            if not NOT_REASON.match(clause.text):
                pieces.append(words(sentence, clause.start, clause.end, []))
        elif command is RELEASING and (beside := BESIDE.search(clause.text)):
            group = next(name for name in ("after", "after2", "before") if beside[name])
            pieces.append(words(sentence, clause.start + beside.start(group), clause.start + beside.end(group), []))
    return trim("，".join(pieces)) or None


def read_release(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of giving a lead back to the pool."""
    return subject(sentence) | {"reason": reason_of(sentence)}


TO_WHOM = re.compile(
    rf"(?:转(?:移|交|让|派|接)?|移交|交接|交|分配?|指派|派|过户|划转?|拨|让|改派|"
    rf"调)(?:一?下)?给(?:同事|销售)?(?:(?P<mark>{PERSON})|(?P<name>[一-鿿]{{2,4}}))"
)
# "周婷转林小舟", "这个客户给林小舟吧": without 转给, so only a name by its form counts.
TO_NAMED = re.compile(
    rf"(?:转交?|移交|交接?|指派|分配|分派|派|过户|划拨?|给|换)(?:给|到|成|去)?(?:同事|销售)?(?P<mark>{PERSON})"
)
BY_WHOM = re.compile(
    rf"(?:由|让|归|换成?)(?:(?P<mark>{PERSON})|(?P<name>[一-鿿]{{2,3}}))(?:来)?(?:跟进|"
    rf"负责|接手|跟|对接|接管|接|管|维护|盯|带)"
)


def read_transfer(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of handing a lead to a colleague: whom, to whom, why."""
    match = TO_WHOM.search(sentence.skeleton) or BY_WHOM.search(sentence.skeleton) or TO_NAMED.search(sentence.skeleton)
    slots: dict[str, object] = {}
    taken = None
    if match:
        if match["mark"]:
            place = sentence.at(match.start("mark"))
            taken = next(mention for mention in sentence.of(PERSON) if mention.start == place)
            slots["assignee"] = taken.value
        else:
            slots["assignee"] = name_at_start(match["name"]) or re.sub(r"(?:跟进?|负责|吧|来|了|处理)+$", "", match["name"])
    others = [mention for mention in sentence.of(PERSON) if mention is not taken]
    if others:
        slots["person"] = others[0].value
    if companies := sentence.of(COMPANY):
        slots["company"] = companies[0].value
    if refs := sentence.of(REF):
        slots["ref"] = refs[0].value
    slots["reason"] = reason_of(sentence)
    return slots
