"""The slots of visits, reports, comments and taking over a conversation."""

import re
from datetime import datetime

from handlers.understanding.clauses import clauses_of, trim, words
from handlers.understanding.followups import is_past, who
from handlers.understanding.mentions import COMPANY, MARKS, PERSON, REF, TIME, WHO, Sentence
from handlers.understanding.moments import ahead, behind

PLACE_WORD = (
    r"(?:路|街|大道|巷|弄|号|大厦|广场|园区|产业园|软件园|科技园|工业园|园|中心|"
    r"大楼|楼|层|室|座|栋|村|镇|区|厂区|车站|机场|酒店|会展|商场|仓库|工地|现场|"
    r"总部|门口|楼下)"
)
AT_PLACE = re.compile(
    rf"(?:在|地点(?:是|在|:|：)?|地址(?:是|在|:|：)?|位置(?:是|在|:|：)?|定位)\s?(?P<place>[^\s,，。;；{''.join(MARKS)}]{{2"
    rf",24}}?)(?=拜访|签到|打卡|见|谈|聊|开会|和|跟|与|做|[\s,，。;；]|$)"
)
ADDRESS = re.compile(
    rf"(?P<place>[^\s,，。;；:：{''.join(MARKS)}]{{1,20}}{PLACE_WORD}(?:\d{{1,5}}[号楼室层栋座]?[^\s,，。;；]{{0,"
    rf"8}})?)(?=[\s,，。;；]|$)"
)
PURPOSE = re.compile(
    r"(?:目的(?:是|为|:|：)?|为了|主要(?:是)?|去(?=送|谈|聊|做|签|取|拿|看|装|"
    r"修|验|培|演|催|收|安|调|交|对|了解|介绍)|来(?=送|谈|聊|做|签|取|看|装|"
    r"修|验))\s?(?P<purpose>[^,，。;；]{2,30})"
)
VISIT_WORDS = re.compile(
    rf"[{PERSON}{COMPANY}{TIME}]|拜访登记|外出登记|到访登记|拜访|走访|上门|登门|"
    rf"打卡|签到|外勤|外出|登记|到访|到了?|去了?|去|在|来到|来|已到|已经|抵达|一下|"
    rf"一趟|跑|现场|客户|了|的|我|现在|准备|要|打算|计划|记录|个|下|公司|这边|那边|"
    rf"那里|楼下|门口|刚|跟|和|与|见|面|约了?|一起|他们|再|地点|地址|位置|定位|"
    rf"目的|是|[:：]"
)


def _visit_time(sentence: Sentence, now: datetime) -> datetime | None:
    for mention in sentence.of(TIME):
        side = is_past(sentence, mention, now)
        if side is None:
            continue
        went = re.search(r"了|过|打卡|签到|刚", sentence.skeleton)
        undecided = not mention.value.tense and not mention.value.lean
        if side and undecided and not went and re.search(r"去|拜访|上门", sentence.skeleton):
            # "周五去拜访张伟" is a plan; "周五去了" is not.
            side = False
        return behind(mention.value, now) if side else ahead(mention.value, now)
    return None


def _place(sentence: Sentence) -> tuple[str | None, tuple[int, int]]:
    for pattern in (AT_PLACE, ADDRESS):
        match = pattern.search(sentence.skeleton)
        if match:
            start, end = match.span("place")
            lead = re.match(r"(?:到了?|去了?|在|来到|抵达|拜访|外出|外勤|打卡|签到)+", match["place"])
            start += lead.end() if lead else 0
            if end - start >= 2:
                return sentence.raw[sentence.at(start) : sentence.at(end)], (start, end)
    return None, (0, 0)


def read_visit(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a visit: when, where, what for."""
    slots = who(sentence)
    slots["at"] = _visit_time(sentence, now)
    slots["place"], (low, high) = _place(sentence)
    if match := PURPOSE.search(sentence.skeleton):
        slots["purpose"] = words(sentence, match.start("purpose"), match.end("purpose"))
        return slots
    pieces = []
    for clause in clauses_of(sentence):
        start, end = clause.start, clause.end
        if low < end and start < high:
            continue
        marks = [place for place in range(start, end) if sentence.skeleton[place] in MARKS]
        start = marks[-1] + 1 if marks and marks[-1] + 1 < end else start
        if VISIT_WORDS.sub("", sentence.skeleton[start:end]).strip():
            lead = re.match(rf"(?:{VISIT_WORDS.pattern})+(?=..)", sentence.skeleton[start:end])
            pieces.append(words(sentence, start + (lead.end() if lead else 0), end))
    slots["purpose"] = trim("，".join(piece for piece in pieces if piece)) or None
    return slots


REPORT_HEAD = re.compile(
    r"^[\s]*(?:我的|今日|本日|今天的?|本周(?:总结)?的?|工作|销售|总结|[\ue003]总结|[\ue003]的?)?(?:交|提交|上报|上交|补交|递交|报一?下?|登记|记录|写|"
    r"发|补|填|汇报)?(?:一下|下|个|份|一份)?(?:我的|今日|今天的?|[\ue003]的?|本周的?|"
    r"工作|销售)*(?:(?P<daily>日报|日总结|(?:今日|本日|今天)(?:工作)?(?:总结|小结|"
    r"汇报))|(?P<weekly>周报|周总结|本周(?:工作)?(?:总结|小结|汇报))|工作总结|"
    r"(?:工作)?(?:总结|小结|汇报))[\s:：,，。]*"
)


def read_report(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a report; its text keeps all the speaker's words, times included."""
    head = REPORT_HEAD.match(sentence.skeleton)
    place = sentence.at(head.end()) if head else 0
    opening = sentence.plain[:place] or sentence.plain
    weekly = "周" in opening
    return {"kind": "weekly" if weekly else "daily", "text": sentence.raw[place:].strip(" ，,。;；:：\n")}


COMMENT_WORD = re.compile(
    r"(?:加|写|留|做)?(?:个|条|一条|一个|点)?(?:批注|点评|评论|批示|批复|留言|"
    r"评语)(?:一下|下|一句|几句|说)?"
)
COMMENT_SUBJECT = re.compile(
    rf"^[\s,，:：]*(?:(?:给|对|在|把)?(?:{REF}|{WHO})(?:的|这|那|条|个|次|记录|客户)*(?:上|里|说)?)?[\s,，:：。]*"
)


def read_comment(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a comment: on what, and its words."""
    slots: dict[str, object] = {}
    if refs := sentence.of(REF):
        slots["ref"] = refs[0].value
    elif people := sentence.of(PERSON):
        slots["person"] = people[0].value
    word = COMMENT_WORD.search(sentence.skeleton)
    start = word.end() if word else 0
    subject = COMMENT_SUBJECT.match(sentence.skeleton[start:])
    start += subject.end() if subject else 0
    slots["text"] = words(sentence, start, len(sentence.skeleton), [])
    return slots


GIVE_BACK = re.compile(
    r"机器人|(?<![a-z])(?:bot|ai)(?![a-z])|自动回复|小助手|智能客服|(?:结束|退出|"
    r"取消|解除|停止)(?:人工|接管)|释放(?:会话|对话)|不用人工"
)


def read_handover(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of taking a conversation over or giving it back."""
    slots: dict[str, object] = {}
    people = sentence.of(PERSON)
    if people:
        slots["person"] = people[0].value
    if GIVE_BACK.search(sentence.skeleton) and not re.search(
        r"我来接|接管(?!给)", re.sub(r"(?:结束|退出|取消|解除|停止)接管", "", sentence.skeleton)
    ):
        slots["release"] = True
    return slots
