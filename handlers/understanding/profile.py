"""The slots of contact data and tags: a new number, a birthday, a title; tags on and off."""

import re
import unicodedata
from datetime import datetime

from handlers.understanding.clauses import trim
from handlers.understanding.conditions import split_tags
from handlers.understanding.followups import who
from handlers.understanding.leads import TITLE, TITLE_ENDS, TITLE_LEAD
from handlers.understanding.mentions import COMPANY, EMAIL, PERSON, PHONE, TIME, WHO, Mention, Sentence
from handlers.understanding.moments import DAY, MONTH, When
from handlers.understanding.numerals import DIGITS, read_small
from handlers.understanding.phones import find_wechat_id

FULL_DAY = re.compile(
    r"(?P<year>(?:19|20)\d\d|\d\d(?=年))[年./-](?P<month>1[0-2]|0?[1-9])[月./-](?P<day>3[01]|"
    r"[12]\d|0?[1-9])[日号]?"
)
SHORT_DAY = re.compile(r"(?<![\d.-])(?P<month>1[0-2]|0?[1-9])[./-](?P<day>3[01]|[12]\d|0?[1-9])(?![\d.-])")
SPOKEN_YEAR = re.compile(r"(?P<year>(?:一九|二零)[零一二三四五六七八九]{2})年")
# "农历生日 六月初六", "六月十五，农历的": the word 农历 stands elsewhere in the sentence.
LUNAR_DAY = re.compile(rf"(?P<leap>闰)?(?P<month>{MONTH})月初?(?P<day>{DAY})")
ADDRESS = re.compile(
    r"(?:地址|住址|办公室|公司|单位|家)?(?:新地址)?(?:搬到|搬去|搬至|迁到|迁至|"
    r"(?:地址|住址)(?:已经|也)?(?:改成|改为|改到|换成|换到|变成|更新为|是|为|在|:|：|[\s,，])+|"
    r"住在|住址)了?\s?(?P<address>[^,，。;；]{2,40})"
)
NEW_PLACE = re.compile(r"(?:现在|目前|如今|新的?|改)(?:搬)?(?:在|到|是)\s?(?P<address>[^,，。;；]{2,40})")
NEW_TITLE = re.compile(
    rf"(?:升(?:任|职|为|成|到|做|了|上)*|改任|调任|转任|(?:现在|目前|已经)(?:是|任|做|当)|职位(?:改成|"
    rf"改为|是|换成|变成|升为|:|：)*|职务(?:改成|改为|是|:|：)*|头衔(?:改成|改为|"
    rf"是)*|提(?:拔)?(?:为|成|了)?|(?:当|做|任|成)(?:上|了|为)+|(?:部|部门|公司|那边|去)(?:当|做|任)|担任|升)(?P<title>[一-鿿a-z]{{0,8}}(?:{TITLE_ENDS}))"
)
NEW_COMPANY = re.compile(
    r"(?:新(?:公司|单位)[\s,，]*(?:叫|是)|(?:公司|单位)[^,，。]{0,2}(?:改名|更名|换名)了?[\s,，]*(?:叫|为|成|是)*|跳(?:槽)?(?:到|去|至)了?|跳槽了?|去了(?!新|一家新)|换到了?|入职了?|加入了?|调(?:到|去)了?|公司(?:改成|"
    r"改为|换成|换到|变成|变更为|是|:|：)|单位(?:改成|改为|换成|是)|(?:现在|目前)在|"
    r"改到|在|(?:公司|单位)[\s,，]+(?=\ue002))(?P<company>\ue002|[^\s,，。上当做任]{2,20})"
)


def _birthday(sentence: Sentence) -> str | None:
    if "生日" not in sentence.skeleton and "出生" not in sentence.skeleton:
        return None
    if match := FULL_DAY.search(sentence.plain):
        year = match["year"] if len(match["year"]) == 4 else f"19{match['year']}"
        return f"{year}-{int(match['month']):02}-{int(match['day']):02}"
    if match := SPOKEN_YEAR.search(sentence.plain):
        dated: When | None = next((mention.value for mention in sentence.of(TIME) if mention.value.days), None)
        year = "".join(str(DIGITS[sign]) for sign in match["year"])
        return f"{year}-{dated.days[0]:%m-%d}" if dated is not None else None
    of_moon = re.search(r"农历|阴历|旧历|老历", sentence.plain)
    for mention in sentence.of(TIME):
        when: When = mention.value
        if of_moon and not when.lunar and (match := LUNAR_DAY.search(sentence.plain, mention.start, mention.end)):
            sign = "L" if match["leap"] else ""
            return f"lunar:{read_small(match['month']) or 0:02}{sign}-{read_small(match['day']) or 0:02}"
        if when.lunar:
            month, day, leap = when.lunar
            return f"lunar:{month:02}{'L' if leap else ''}-{day:02}"
        if when.days:
            return f"{when.days[0]:%m-%d}"
    match = SHORT_DAY.search(sentence.plain)
    return f"{int(match['month']):02}-{int(match['day']):02}" if match else None


def _new_company(sentence: Sentence, slots: dict[str, object]) -> str | None:
    match = NEW_COMPANY.search(sentence.skeleton)
    if match is None:
        return None
    if match["company"].startswith(COMPANY):
        place = sentence.at(match.start("company"))
        return next((str(mention.value) for mention in sentence.of(COMPANY) if mention.start == place), None)
    moved = re.match(
        r"新(?:公司|单位)|(?:公司|单位).{0,2}(?:改|更|换)名|跳|公司(?:改|换|变|是|:|：)|单位|换到|入职|加入", match[0]
    )
    return trim(match["company"]) if moved else None


def _title(sentence: Sentence) -> str | None:
    match = NEW_TITLE.search(sentence.skeleton)
    if match:
        return sentence.raw[sentence.at(match.start("title")) : sentence.at(match.end("title"))]
    if re.search(r"职位|职务|头衔", sentence.skeleton) and (plain := TITLE.search(sentence.skeleton)):
        return TITLE_LEAD.sub("", plain[0])
    return None


def read_update(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a change of contact data; the company is only there when it is the new one."""
    slots: dict[str, object] = {"person": who(sentence).get("person")}
    for slot, kind in (("phone", PHONE), ("email", EMAIL)):
        if found := sentence.of(kind):
            slots[slot] = found[-1].value
    slots["wechat_id"] = find_wechat_id(sentence)
    slots["birthday"] = _birthday(sentence)
    slots["title"] = _title(sentence)
    slots["company"] = _new_company(sentence, slots)
    has_moved = "地址" in sentence.skeleton or "搬" in sentence.skeleton
    if match := ADDRESS.search(sentence.skeleton) or (NEW_PLACE.search(sentence.skeleton) if has_moved else None):
        start, end = match.span("address")
        said = unicodedata.normalize("NFKC", sentence.raw[sentence.at(start) : sentence.at(end)])
        slots["address"] = trim(said).removesuffix("了")
    return slots


OFF = re.compile(r"去掉|去除|删|移除|取消|撕|摘|拿掉|不要|清(?:除|掉|空)|拆|剥|撤")
NAMED_BEFORE = re.compile(
    r"(?:打上?|加上?|贴上?|添加|标上?|挂上?|设为?|补上?|上|去掉|去除|删除?掉?|"
    r"移除|取消|撕掉?|摘掉?|拿掉|清除|不要)(?:了|一?个|两个|几个|下|一下|俩|三个|"
    r"好|的)*[\s:：]*(?P<tags>[^,，。]*?)(?:这(?:个|些|两个)|的|俩|两个|等)*标签"
)
NAMED_AFTER = re.compile(
    r"标签(?:打上|加上|贴上|添加|设为|设成|打|加|贴|为|是|上|去掉|删掉|移除|取消)*[\s:：]*(?P<tags>[^。!！?？]+)"
)
MARKED_AS = re.compile(
    rf"(?:标记|标注|设置?|列|归){WHO}(?:为|成|到)(?P<named>[^。!！?？]+)|"
    r"(?:标记|标注|标|归类|划|打|贴|设|列)(?:成|为|到|上|个|入|进)+(?P<tags>[^。!！?？]+)"
)
PUT_ON_ROW = re.compile(r"打标(?!签)[\s:：,，]*(?P<tags>[^。!！?？]+)")
PUT_ON = re.compile(r"(?:打|加|贴|标(?![签记注]))(?:上|个|一个)?(?P<tags>[^,，。\s]{1,10})$")
TAG_ENDS = re.compile(
    r"(?:(?:这|那)?(?:个|些|两个|俩)?标签|给?(?:去掉|删掉|删除|移除|取消|拿掉|"
    r"去除|摘掉|撕掉|删了)了?|吧|一下|了|上|谢谢|分类|类)+$"
)
TAG_HEADS = re.compile(r"^(?:(?:已经|早就)?(?:不再|不)是|把|给|的|了|是|为|上|个|一个|两个|几个|[:：\s]|叫|和|他|她|它)+")


def _tag_words(sentence: Sentence) -> str | None:
    for pattern in (NAMED_BEFORE, NAMED_AFTER, MARKED_AS, PUT_ON_ROW, PUT_ON):
        match = pattern.search(sentence.skeleton)
        if not match:
            continue
        start, end = match.span("named" if match.groupdict().get("named") else "tags")
        if match_words := _clean(sentence, start, end):
            return match_words
    # "李娜的价格敏感标签去掉": the tag stands between the person and the word.
    match = re.search(rf"[{PERSON}{COMPANY}](?:身上)?(?:的)?(?P<tags>[^,，。]+?)(?:这个|的)?标签", sentence.skeleton)
    return _clean(sentence, *match.span("tags")) if match else None


def _clean(sentence: Sentence, start: int, end: int) -> str:
    people: list[Mention] = sentence.of(PERSON, COMPANY)
    said = sentence.text(sentence.at(start), sentence.at(end), people)
    before = None
    while before != said:
        before = said
        said = TAG_HEADS.sub("", TAG_ENDS.sub("", said.strip())).strip()
    return said


def read_tags(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of putting tags on or taking them off."""
    slots = who(sentence)
    said = _tag_words(sentence)
    if said:
        slots["tags"] = [tag for tag in (TAG_HEADS.sub("", each) for each in split_tags(said)) if tag]
    if OFF.search(sentence.skeleton):
        slots["remove"] = True
    return slots
