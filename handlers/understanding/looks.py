"""Questions: whose data is asked for, which kind of customers is looked for."""

import re

from handlers.understanding.conditions import find_region
from handlers.understanding.contacts import SAID, contact_told
from handlers.understanding.mentions import TIME, WHO
from handlers.understanding.rules import POLITE
from handlers.understanding.stages import ANY as STAGE_ANY

ASKS = re.compile(
    r"多少|几号|是什么|是啥|什么时候|哪天|哪里|哪儿|在哪|查|看(?:看|下|一下)|[?？]|"
    r"有没有|吗[\s]*$|怎么联系|给我|发我|调(?:一?下|出)|找(?:一?下|出)|是谁|何时|"
    r"啥时候|有吗"
)
# Behind a channel these tell of a talk: "张伟电话沟通".
NO_TALK = (
    r"(?!沟通|聊|说|联系|里|上(?!的)|打|通|没(?!有)|回|拒|关|占|不|已|约|发(?!我|给我)|确认|谈|跟进|告诉|反馈|了|问|催|"
    r"无人|未接|会议|交流|拜年)"
)
SHOW = re.compile(
    rf"(?:(?<![a-z])show(?: me)?|(?<![a-z])find|看看|查查|找找|搜搜|看|查|调|找|打开|显示|给我|发我|要|瞧|翻|搜|了解|"
    rf"介绍|来)(?:看|一看|询|一?下|出|取|阅|个|一?份|一?眼)*[\s,，:：]*{WHO}|{WHO}(?:的|"
    rf"他|那边|公司|最近|目前|现在|上周|近期|一下|客户)*(?:资料|档案|信息|情况|详情|"
    rf"联系(?:方式|电话|人)|(?:电话|手机|微信|邮箱){NO_TALK}|名片|地址|生日|跟进记录|跟进情况|历史|记录|"
    rf"背景|客户卡|画像|标签|进展|动态|号码|近况|啥情况|什么情况|card|info|详细)"
    rf"|{WHO}的?(?:这个|那个)?(?:客户|人|联系人|公司|单位)?(?:的)?(?:基本|基础|详细|全部|完整|具体|个人)(?:信息|资料|情况)|{WHO}(?:是谁|(?:的)?联系人是谁|[^,，。]{{0,6}}到哪(?:一步|儿|里)?了?|[^,，。]{{0,4}}什么阶段|"
    rf"是哪个|是干(?:啥|什么)的|咋样了?|怎么样了?|什么来头|哪个公司的|"
    rf"在哪个公司|最近(?:怎么样|咋样|有什么)|上次.{{0,10}}(?:聊|谈|联系|跟进|说).{{0,4}}(?:啥|"
    rf"什么|时候|吗|到哪))|(?:资料|档案|详情|情况|联系方式|名片|电话|信息)[^,，]{{0,6}}{WHO}[\s?？]*$"
)
# "看下微信访客115的资料": a look, whatever stands between; nothing is made of it.
LOOK_UP = re.compile(
    POLITE + r"(?:看看|看|查看|查询|查找|查|找|打开|调出?|显示|了解)(?:一?下|一眼)?[\s,，:：]*"
    r"(?P<whom>[^,，。;；:：!！?？]{0,24}?)\s*的?\s*"
    r"(?:资料|档案|信息|详情|详细资料|联系方式|名片|客户卡)[\s。.!！?？吧呢]*$"
)
# What is no name: "新线索的资料" asks for somebody who is not named.
NOBODY = re.compile(r"(?:我|这|那|这个|那个|全部|所有|新|的|客户们?|线索|联系人|同事|大家)+")
CARD = re.compile(rf"^[\s]*{WHO}[\s,，]+(?:资料|档案|信息|情况|联系方式|名片|地址|生日|客户卡|进展|记录)[\s?？]*$")
# A question about somebody, whatever it asks for: "王总哪家公司的", "孙总住哪", "云帆科技谁在跟".
ASKED = re.compile(
    r"有[^,，。]{1,5}(?:没|么)[\s?？]*$|什么|(?<![好])啥|谁(?!说)|哪|多少|几(?:号|岁|点|个|家|次|月)|有(?:没有|吗|没)|是不是|怎么样|咋样|如何|吗[\s?？]*$|多大|多久|呢[\s?？]*$|[?？]\s*$"
)
LONGEST_QUESTION = 18
# Something of the customer's changed hands: that is told, not asked for.
GIVEN = re.compile(r"发(?:给)?(?:我|我们)了|给(?:我|我们)了|发给[^,，。]{1,6}了|我让|等他|等她")
ONLY_WHO = re.compile(rf"^[\s]*{WHO}[\s?？]*$")
PEOPLE = r"(?:客户|线索|联系人|名单|人|公司|单位|老板|潜客|商机|单子|他们|vip)"
SEARCH = re.compile(
    rf"(?:标签|阶段|区域|地区|行业)(?:是|为|里|有)[^,，。]{{1,16}}(?:有哪些|都有谁|"
    rf"列出|列一下|有多少|名单)|(?:新增|新来|新进|录入|新录)的?(?:线索|客户)(?:有多少|"
    rf"有哪些|列表|有几个|名单)?[\s?？呢]*$|^[\s]*关键[词字]|^[\s]*(?:请|帮我|麻烦|给我|我想|我要)*(?:搜|"
    rf"搜索|查找|检索|查询|找|筛选?|列|查|挑|过滤)(?:一下|一?下|出|出来|个|一?搜|"
    rf"找|索|看看|查|一?列)?|{PEOPLE}(?:都|还)?(?:有(?:哪些|谁|多少|啥|什么|几个)|"
    rf"列表|名单|清单|列(?:出来|一下|给我)|有几|给我(?:看|列))|(?:哪些|哪几个|多少(?:个)?|"
    rf"有没有|几个)[^,，。]{{0,10}}{PEOPLE}|没(?:有)?(?:联系|跟进|回访|拜访|成交|"
    rf"下单|联络|动静|互动)(?:过)?的|标签的|(?:列|导|筛|挑|找|搜|查)(?:一下|下)?(?:出来|"
    rf"出)(?:看看)?[\s]*$|(?:都|全)列(?:出来|一下)|(?:阶段|单|级|类|区)的?(?:客户|"
    rf"线索)[\s?？呢]*$|(?:看|查)(?:看|下|一下|询)?[^,，]{{0,16}}(?:客户|线索|联系人)(?:列表|"
    rf"名单)?[\s?？]*$|谁(?:是|在).{{2,10}}客户|(?:{STAGE_ANY})(?:阶段|中|了)?的?(?:都|还)?(?:有谁|有哪些|是谁|有几个|有多少|谁|哪些)[\s?？]*$|"
    rf"^[\s]*(?:{TIME})?(?:我)?(?:{STAGE_ANY})(?:了)?的(?:客户|线索|人|公司)"
)


def look_back(skeleton: str) -> tuple[str, float] | None:
    """Take "上次跟张伟聊到哪了" as a question, although it tells of a contact."""
    return ("show_contact", 0.88) if re.search(WHO, skeleton) and LAST_TIME.search(skeleton) else None


LAST_TIME = re.compile(
    r"多久(?:没|未).{0,4}(?:联系|跟进|见|聊|拜访|回访|沟通|动)|(?:上次|上回|最近|最后一次|之前).{0,14}(?:到哪|啥|什么|哪|吗|几号|时候)"
)


# "上海做医疗的客户", "我的客户": a description of customers and nothing else.
LISTED = re.compile(r"^[^,，。]{0,20}(?:的|我的|vip|区|市|省|所有|全部)(?:客户|线索)(?:列表|名单)?[\s?？呢]*$")


def _says(skeleton: str) -> bool:
    if not SAID.search(skeleton):
        return False
    return TIME in skeleton or not (ASKS.search(skeleton) or not SAID.search(re.sub(r"(?:要|想)", "", skeleton)))


def looks_up(skeleton: str) -> bool:
    """Tell whether somebody's data is asked for; a kind of customers is looked for, not looked up."""
    match = LOOK_UP.match(skeleton)
    return bool(match and (NOBODY.fullmatch(match["whom"]) or not re.search(r"客户|线索", match["whom"])))


def look(skeleton: str) -> tuple[str, float] | None:
    """Take the sentence as a look at somebody or a search for many; None when it asks for neither."""
    if ONLY_WHO.match(skeleton) or CARD.match(skeleton):
        return "show_contact", 0.7
    if looks_up(skeleton):
        return "show_contact", 0.88
    if SHOW.search(skeleton) and not GIVEN.search(skeleton) and not contact_told(skeleton) and not _says(skeleton):
        return "show_contact", 0.88
    if (
        len(skeleton) <= LONGEST_QUESTION
        and re.match(rf"^(?:那|请问|话说|帮我|我想知道|想问(?:下|一下)?)*[\s,，]*{WHO}", skeleton)
        and ASKED.search(skeleton)
        and not (contact_told(skeleton) or SAID.search(skeleton) or re.search(r"哪些客户|过(?:两|几)天|哪天再", skeleton))
    ):
        return "show_contact", 0.75
    if re.fullmatch(r"[\s]*[^\s,，。]{2,6}的?(?:vip)?(?:客户|线索)(?:们|列表|名单|清单)?[\s?？]*", skeleton) and find_region(
        skeleton
    ):
        return "search", 0.75
    if LISTED.search(skeleton) and not re.search(rf"{WHO}|{TIME}|发|给", skeleton):
        return "search", 0.7
    if SEARCH.search(skeleton) and not contact_told(skeleton) and not (re.search(WHO, skeleton) and SAID.search(skeleton)):
        return "search", 0.85
    return None
