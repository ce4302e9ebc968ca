"""Unknown people by their names: a surname and one or two more signs where a name may stand."""

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from handlers.understanding.mentions import MARKS, PERSON, TAKEN, Mention, Sentence
from handlers.understanding.names import HAN, NOT_GIVEN, double_surnames, is_company, over_honorific, single_surnames

# Where a name may begin, and what may stand behind it.
BEFORE = (
    r"跟|和|与|同|给|找|约了?|见了?|拜访了?|走访了?|回访了?|联系了?|陪|请|把|将|"
    r"接管|领取|认领|抢|捞|叫|姓名[:：\s]?|名字叫?|联系人[:：\s]?(?:是|叫)?|客户[:：\s]?|"
    r"线索[:：\s]?|移交|转到|移到|划到|归到|转交?|交接|那个|这个|那位|这位|经理|总监|主任|老板|负责人|采购|店长|校长|院长|厂长|主管|"
    r"转给|交给|分给|派给|指派给|分配给|移交给|过户给|由|让|归|换成?|的|看下|看看|查下|查一下|搜一?下?|call|call了|同事|给到|收到|收了|去了|到了|去掉|去除|删除|删掉|移除|取消|撕掉|更新|修改|更正|记一?下|记上|催一?下?|追一?下?|点评|批注|批复|评论|祝|接待|打开|电话里|微信里|"
    r"待办里|加了|刚去|刚到|来接|我来回|回访|跟进|对接|拜访完|问一?下|问|喊|邀请?|送给?|寄给?|发给|通知|联系一?下|还有|以及"
)
AFTER = (
    rf"$|管|[\s,，。:：;；、!！?？()（）/|{''.join(MARKS)}{TAKEN}]|(?:的|说|在|那|这|"
    rf"电话|微信|钉钉|邮件|短信|视频|语音|聊|打|发|通|见|吃|开|回|来|对|约|谈|沟通|"
    rf"了|上|拿|放|转|捞|喝|逛|唱|看|跑|参|坐|等|补|确|跟|给|名下|那里|昨|今|明|去|已|没|要|想|反馈|负责|对接|"
    r"处理|接手|以后|公司|老师|女士|先生|和|与|本|业绩|漏斗|上周|上个|这|归|我|"
    r"领|从|手机|座机|邮箱|做|签|完成|吧|问|提|催|认|讲|介绍|介|是|"
    rf"赢单|赢了|丢单|丢了|输单|输了|成交|换|升|跳槽|地址|住址|职位|职务|最近|归|移交|转交|有个|有一|有新|标记|标注|打标|标签|释放|退|提了|提出|回了|还没|搬|收|出|把|约|请|让|追|被|加|贴|付|交|欠|签|到账|回款|打款|当|晋|离|调|由|"
    rf"需要|希望|答应|拒绝|认可|认为|表示|告诉|抱怨|投诉|推|改|延|取消|报价|预算|单子|商机|项目|合同|因为?|由于|原|他|她|客户|call|zoom|email|ok|腾讯|现在|目前|跟我|"
    rf"一直|已经|刚|昨|前天|后天|上午|下午|早上|晚上|中午|周|星期|礼拜|下|月底|年底|生日|资料|觉得|嫌|不|挺|一起|一块)"
)


@cache
def _not_names() -> tuple[str, ...]:
    words = files("handlers.understanding").joinpath("words")
    return tuple(word for name in ("not_names", "regions") for word in words.joinpath(f"{name}.txt").read_text("utf-8").split())


@cache
def _given() -> tuple[str, str]:
    """Signs that are hardly anything but a given name, and all that given names are made of."""
    strong, more = files("handlers.understanding").joinpath("words/given_names.txt").read_text("utf-8").split()
    return strong, strong + more


@cache
def _likely() -> re.Pattern[str]:
    """Match a name by the signs of its given name, whatever stands around it."""
    strong, every = _given()
    clear = "".join(sorted(single_surnames() - set(WORD_SURNAMES)))
    surname = rf"(?:{'|'.join(double_surnames())}|[{clear}])"
    return re.compile(rf"{surname}(?:[{every}][{strong}]|[{strong}])")


def _trimmed(name: str) -> str:
    """Leave a last sign out that no given name has when the rest is a whole name: "李娜移", "周婷首"."""
    strong, every = _given()
    head, last = name[:-1], name[-1]
    return head if len(head) >= 2 and last not in every and head[-1] in strong and _whole().fullmatch(head) else name


@cache
def _name() -> str:
    # A sign that begins what was done is no part of the name: "周婷开了个会", "张伟放回公海".
    done = (
        "(?!建(?:个|商机|一|了|立)|新(?:手机|电话|号|邮|公司)|加(?:标签|个|了)|[开吃喝放回提退释说约进收交换签送寄接见打谈聊问要加催追付汇转领抢捞抱]"
        "(?:了|过|完|回|到|给|出|掉|放|电|邮|个|着|信|微|消息|款|账|公海|一|怨))"
    )
    given = rf"(?![{''.join(sorted(NOT_GIVEN))}]){done}[{HAN}]"
    singles = "".join(sorted(single_surnames()))
    return rf"(?:(?:{'|'.join(double_surnames())})(?:{given}){{1,2}}|[{singles}](?:{given}){{1,2}})"


@cache
def _in_context() -> re.Pattern[str]:
    three_first = rf"(?P<name>{_name()})(?={AFTER})"
    return re.compile(rf"(?:(?<![{HAN}])|(?:{BEFORE}))(?:{three_first})")


@cache
def _whole() -> re.Pattern[str]:
    return re.compile(_name())


@cache
def _at_start() -> re.Pattern[str]:
    return re.compile(rf"(?P<name>{_name()})(?={AFTER})")


# Given names that are also days of the year, and what stands behind the day and not behind the name.
DAY_NAMES = (
    "国庆|元旦|中秋|端午|冬至|清明|春节|重阳|七夕|元宵|除夕|腊八|小年|立春|雨水|惊蛰|春分|谷雨|立夏|小满|芒种|夏至|"
    "小暑|大暑|立秋|处暑|白露|秋分|寒露|霜降|立冬|小雪|大雪|小寒|大寒|初一|十五"
)
NUMBER_NAMES = "五一|六一|八一|十一|三八"
DAY_BEHIND = r"节|前|后|之|以|期间|当|那天|放|假|长假|快乐|晚|早|上午|下午|中午|祝福|祝(?!你)|典|\d"
# Surnames that are also words of time and place: a name only behind a word that names follow.
WORD_SURNAMES = "年时和从于向离过双全后"


@cache
def _named_after_day() -> re.Pattern[str]:
    singles = "".join(sorted(single_surnames()))
    doubles = "|".join(double_surnames())
    days = rf"(?:(?:{DAY_NAMES})(?!{DAY_BEHIND})|(?:{NUMBER_NAMES})(?=$|[\s,，。的]))"
    clear = "".join(sorted(single_surnames() - set(WORD_SURNAMES)))
    return re.compile(
        rf"(?:(?<![{HAN}\d]))(?P<first>(?:{doubles}|[{clear}]){days})|(?:{BEFORE})(?P<name>(?:{doubles}|[{singles}]){days})"
    )


def mark_named_after_day(sentence: Sentence) -> None:
    """Take out people whose given name is a day of the year, before the times are read: 汪国庆, 李端午."""
    for match in _named_after_day().finditer(sentence.rest):
        start, end = match.span("first" if match["first"] else "name")
        if sentence.rest[start:end].startswith(_not_names()):
            continue
        sentence.take(Mention(PERSON, start, over_honorific(sentence.rest, end), sentence.raw[start:end]))


# A name that stands alone may hold signs that elsewhere belong to other words (李向东, 王和平) or to a time (高明天).
ALONE_AFTER = re.compile(
    r"^[\s,，]*(?:请|麻烦|帮我|我|给我|来)*(?:新|录|录入|加|建|添加|登记|新增|新建|记|存|创建)(?:一?个|一?条|一?下|了|位|一位|"
    r"新的?|名|潜在|意向)*(?:线索|客户|潜客|联系人|名片|客资)[:：\s,，]+"
)
WORD = re.compile(r"[^\s,，。;；:：]+")
NO_NAME_ENDS = re.compile(
    r"(?:意向|客户|线索|项目|采购|销售|老板|经理|总监|主任|需求|报价|合同|设备|产品|询价|咨询|机器|工程|材料|贸易|行业|来源|"
    r"展会|介绍|预算|地区|公司|集团|工厂|团队|联系|跟进|电话|微信|渠道|推荐|认识|先生|女士|小姐|老师|医生|律师|总|董|工|哥|姐|"
    r"[省市县区厂店路村镇])$"
)
# Words of time and manner with which no description of a lead begins: what is longer is a name (马上飞).
ADVERBS = ("马上", "于是", "何时", "毕竟", "万一", "左右", "应该")


@cache
def _alone() -> re.Pattern[str]:
    doubles, singles = "|".join(double_surnames()), "".join(sorted(single_surnames()))
    return re.compile(rf"(?:(?:{doubles})[{HAN}]{{1,2}}|[{singles}][{HAN}]{{1,2}})")


def is_name_alone(text: str) -> bool:
    """Tell whether a text that stands alone, where a name is expected, is one by its form."""
    if looks_like_name(text):
        return True
    if not _alone().fullmatch(text) or NO_NAME_ENDS.search(text) or text in _not_names():
        return False
    return not text.startswith(_not_names()) or text.startswith(ADVERBS)


def mark_alone_after_head(sentence: Sentence, is_time: Callable[[str], bool]) -> None:
    """Take out the name that stands alone at the head of a new lead, before the times are read."""
    head = ALONE_AFTER.match(sentence.rest)
    if head is None:
        return
    word = WORD.search(sentence.rest, head.end())
    if word and is_company(word[0]):
        word = WORD.search(sentence.rest, word.end())
    if word is None or not is_name_alone(word[0]) or is_time(word[0]):
        return
    # "华为 采购部李强": two signs of which one belongs to other words are a name only when no other words follow.
    after = WORD.search(sentence.rest, word.end())
    if looks_like_name(word[0]) or len(word[0]) > 2 or after is None or TAKEN in after[0] or is_company(after[0]):
        sentence.take(Mention(PERSON, word.start(), word.end(), sentence.raw[word.start() : word.end()]))


def looks_like_name(text: str) -> bool:
    """Tell whether a text is nothing but a person's name by its form."""
    return bool(_whole().fullmatch(text)) and not text.startswith(_not_names())


def name_at_start(text: str) -> str | None:
    """Return the person's name a text begins with."""
    match = _at_start().match(text)
    return match["name"] if match and not match["name"].startswith(_not_names()) else None


def mark_people(sentence: Sentence) -> None:
    """Take out unknown people where a name stands between the words that surround names."""
    at = 0
    while match := _in_context().search(sentence.rest, at):
        at = match.end()
        if match["name"].startswith(_not_names()):
            continue
        start = match.start("name")
        end = start + len(_trimmed(match["name"]))
        sentence.take(Mention(PERSON, start, end, sentence.raw[start:end]))
    _mark_likely(sentence)


def _mark_likely(sentence: Sentence) -> None:
    """Take out names by their signs alone: at the head of the sentence, or anywhere when nobody else is named."""
    nobody = not sentence.of(PERSON)
    for match in _likely().finditer(sentence.rest):
        if match[0].startswith(_not_names()) or not (nobody or match.start() == 0):
            continue
        sentence.take(
            Mention(PERSON, match.start(), over_honorific(sentence.rest, match.end()), sentence.raw[slice(*match.span())])
        )
        nobody = False
