"""To whom a broadcast or a greeting goes, word by word, and whether the segment object holds all that was said.

A condition that is left out would send to more people than the speaker named. So every word between 给 and the sending is
accounted for: a region, a tag and so on are read by `conditions`; one more plain word ("展会来的线索") becomes the query, a
person's or a company's name too; anything else (a number of people, a time, 除了, 没买过的) leaves the audience uncertain.
"""

import re
from dataclasses import dataclass

from handlers.understanding.mentions import COMPANY, MARKS, PERSON, TIME, Sentence

SENT = r"群发|推送|推(?![荐广])|发(?![现票布展货])|送(?!达)|寄|拜年|道贺|祝贺|祝福|祝|问候|慰问|拜个|致|说|转发"
NOUN = r"客户们?|线索|潜客|会员|vip|粉丝|老客|用户|所有人|全员|大家|好友|联系人"
AUDIENCE = (
    re.compile(
        rf"(?:发给|给到?|(?<=[\s,，。])向|^向|(?<![针面])对(?![方接]))\s?(?P<whom>(?!我(?![的名负手跟自所全]))[^,，。;；:：!！]*?)"
        rf"(?={SENT}|$|[,，。;；:：!！]|(?<=[^\s])\s)"
    ),
    re.compile(rf"群发\s?(?P<whom>[^\s,，。;；给]{{0,14}}?(?:{NOUN}))(?=[\s,，。:：])"),
    re.compile(rf"^(?P<whom>[^,，。;；给]{{0,20}}?(?:{NOUN})[^,，。;；给]{{0,6}}?)(?=群发|推送)"),
)
GROUP = re.compile(rf".*?(?:{NOUN})+(?:(?:里面?|中|之?中|的)[^,，。]*?(?:{NOUN}|人|的)(?=\s|$))?")
# Words of an audience that name nobody in particular or belong to the sending.
FRAME = re.compile(
    rf"{NOUN}|所有|全部|全体|每一?个|每一?位|各位|这些|那些|我的?|名下|负责|手[上里头]|自己|跟进?|全公司|公司|我们|咱们|我司|"
    r"准时|自动|统一|批量|定时|再|也|都|就|先|安排|设置|请|帮忙?|麻烦|把|马上|立刻|立即|现在就?|一下|地区|区域|片区|那边|"
    r"当天|过?生日|阶段|标签|人|们|客户|级别?|朋友|(?<![一-鿿])(?:kp|leads?)(?![a-z])"
)
# What no segment can say: how many, since when, without whom, what they did.
UNHELD = re.compile(
    r"\d|[一二两三四五六七八九十百几半多]+(?:个|位|名|家|成|条|批)|部分|一半|其中|随机|前|除|不|没|未|别|无|非|排除|以外|之外|"
    r"新|最近|近期|刚|过(?!年)|以上|以下|超|少于|大于|[男女]|感兴趣|成交|下单|退订|回复|咨询|买|签|用的|或"
)
# Kinds of people the segment does not know.
UNKNOWN_KIND = re.compile(r"会员|粉丝|老客(?!户)|好友")
PRONOUN = re.compile(r"(?:他|她|它|ta|您|你)们?|对方|这个?人|那个?人")
GREETED = re.compile(r"祝|生日|问候|拜年")
BIRTHDAY = rf"{TIME}?的?过?生日"
CONDITION_OF_TIME = re.compile(rf"{TIME}\s?(?:[新来加注认成联进录入报咨扫买签过下]|的\s?(?:{NOUN}|$))")
HEAD = re.compile(r"^(?:[的在是]|来自|来源|通过|从|做|搞|属于|渠道)+")
TAIL = re.compile(r"(?:的|里面?|中|上|那|来源|渠道|行业|(?:过|进)?来|认识|加|介绍|注册|报名|获取|得到|拿到|扫|[市省区](?=$))+$")
LONGEST_QUERY = 10


@dataclass(frozen=True, slots=True)
class Audience:
    """The word to look for, if one was said, and whether every condition that was said could be held."""

    query: str | None = None
    held: bool = True


def spans(text: str) -> list[tuple[int, int]]:
    """Return the places of a skeleton that say to whom."""
    for pattern in AUDIENCE:
        found = [_cut(match, text) for match in pattern.finditer(text) if match["whom"].strip()]
        if found:
            return found
    return []


def _cut(match: re.Match[str], text: str) -> tuple[int, int]:
    """Without a word of sending behind it an audience ends at its noun: "发给VIP新品通知"."""
    start, end = match.span("whom")
    if re.compile(SENT).match(text, end):
        return start, end
    noun = GROUP.match(match["whom"])
    return start, start + noun.end() if noun else end


def _left(text: str, start: int, end: int, understood: list[tuple[int, int]]) -> tuple[list[str], bool]:
    """Pieces of the audience that nothing has understood yet; False when a time in them is a condition."""
    shown = "".join(" " if any(low <= place < high for low, high in understood) else text[place] for place in range(start, end))
    timed = bool(CONDITION_OF_TIME.search(re.sub(BIRTHDAY, "", text[start:end])))
    birthday = re.sub(BIRTHDAY, lambda match: " " * len(match[0]), shown)
    plain = FRAME.sub(" ", birthday.replace(TIME, " "))
    pieces = (TAIL.sub("", HEAD.sub("", piece)) for piece in plain.split())
    return [piece for piece in pieces if piece], timed


def _names(sentence: Sentence, start: int, end: int) -> list[str]:
    low, high = sentence.at(start), sentence.at(end)
    return [str(mention.value) for mention in sentence.of(PERSON, COMPANY) if low <= mention.start < high]


def read_audience(sentence: Sentence, understood: list[tuple[int, int]]) -> Audience:
    """Account for every word of the audience; `understood` are places of the skeleton that other conditions took."""
    text = sentence.skeleton
    named, held = spans(text), True
    query: str | None = None
    if not named or any(PRONOUN.fullmatch(text[start:end].strip()) for start, end in named):
        return _somebody(sentence, bool(named))
    for start, end in named:
        word, whole = _part(sentence, start, end, understood)
        query, held = query or word, held and whole
    return Audience(query, held)


def _somebody(sentence: Sentence, pronoun: bool) -> Audience:
    """Read whom "张伟生日给他发祝福" and "祝张伟生日快乐" mean: the only person or company named."""
    names = _names(sentence, 0, len(sentence.skeleton))
    if not names:
        return Audience(None, not pronoun)
    return Audience(names[0], len(names) == 1 and (pronoun or bool(GREETED.search(sentence.skeleton))))


def _part(sentence: Sentence, start: int, end: int, understood: list[tuple[int, int]]) -> tuple[str | None, bool]:
    """Return the query of one audience, and whether nothing of it was left over."""
    text = sentence.skeleton
    pieces, timed = _left(text, start, end, understood)
    names = _names(sentence, start, end)
    words = [piece for piece in pieces if not MARKS & set(piece)]
    uncounted = [piece for piece in pieces if set(piece) & (MARKS - {PERSON, COMPANY})]
    of_somebody = bool(re.search(rf"{PERSON}(?:的|名下|负责|手[上里头]|跟进?)*(?:{NOUN})", text[start:end]))
    doubtful = any(UNHELD.search(piece) or len(piece) > LONGEST_QUERY for piece in words)
    doubtful = doubtful or _of_unknown_kind(text, start, end, understood)
    held = not (timed or uncounted or doubtful or of_somebody or len(names) + len(words) > 1)
    if names and not of_somebody:
        return names[0], held
    said = next((piece for piece in words if not UNHELD.search(piece) and len(piece) <= LONGEST_QUERY), None)
    return (_as_said(sentence, said, start) if said and not doubtful else None), held


def _of_unknown_kind(text: str, start: int, end: int, understood: list[tuple[int, int]]) -> bool:
    """Tell whether 会员 or such is said and belongs to no condition that was understood, as in a tag 老会员."""
    found = UNKNOWN_KIND.finditer(text, start, end)
    return any(not any(low <= match.start() < high for low, high in understood) for match in found)


def _as_said(sentence: Sentence, piece: str, start: int) -> str:
    place = sentence.at(sentence.skeleton.index(piece, start))
    return sentence.raw[place : place + len(piece)]
