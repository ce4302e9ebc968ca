"""People and companies in a sentence: known ones, honorifics over a known surname, and unknown ones by their form."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from handlers.understanding.mentions import COMPANY, PERSON, TAKEN, Mention, Sentence
from handlers.understanding.normal import normalise

HAN = r"\u4e00-\u9fff"
COMPANY_ENDS = (
    "有限责任公司|股份有限公司|有限公司|分公司|子公司|公司|集团|学校|医院|大学|"
    "学院|小学|中学|幼儿园|工作室|事务所|研究院|研究所|设计院|合作社"
    "|酒店|宾馆|餐厅|餐饮|饭店|超市|商场|商城|银行|科技|贸易|物流|实业|药业|制药|"
    "电子厂|工厂|制造厂|加工厂|厂|门店|专卖店|旗舰店|连锁店|店|诊所|药房|律所|"
    "商行|传媒|置业|地产|保险|证券|基金|俱乐部|健身房|协会|商会"
)
# Ends whose last sign is also an honorific: 苏州精工 is no 苏州精 of that title.
CRAFT = "精工|重工"
IS_COMPANY = re.compile(rf"(?:{COMPANY_ENDS}|{CRAFT})$")
# Ends that are also everyday words: a company only with a name before them.
WEAK_ENDS = re.compile(
    r"^(?:来|回|去|到|在|找|进|再|他|她|我|你|他们|你们|我们|她们|咱们|这家|那家|一家|两家|几家|对方|某|本|贵|该|各|"
    r"离开|离开原|换|具体|什么|哪个|以前|原来|目前|现在|自己|下面|自家|开|办|"
    r"哪家|原|新|老|大|小|分|总|子|母|别的|其他|另一家|上市|外贸|物流|贸易|科技|"
    r"银行|保险|证券|地产|装修|同行|竞品|开|网|门|旗舰|专卖|商)*$"
)
# No company bears these in its name.
PRONOUN = re.compile(r"[我你他她它您]|提醒|怎么|什么|这个|那个")
# A verb or particle right before the end word: "来电话投诉物流", "想给工厂装" name no company.
VERB_END = re.compile(
    rf"^(?:来|去|到|进|回|要|想)?(?:验|看|逛|参观|考察|视察|审|访)(?:厂|工厂|店|门店)$|(?:投诉|咨询|查询?|催促?|抱怨|想给|给|为|装|具体|哪个|哪家|什么|对接|联系|发|走|寄|收|选|看|问|管|叫|找|换|开|逛|跑|进|参观|"
    rf"负责|分管|对比|考察|讨论|说|聊|谈|算|付|买|卖|了|的|着|去|到|在|几|多|些|家|个|过|订|定|约|吃|关|租|盘)(?:{COMPANY_ENDS})$"
)
# What may stand before a company's name without belonging to it.
LEADS = (
    "公海里面|公海里|公海|里面|一下|有没有|没有|有|是做|做|搞|从事|通过|关于|对于|刚才|刚刚|今天|昨天|明天|上午|下午|拜访了|"
    "拜访|走访|回访|跟进|联系了|联系|领取|认领|查一下|查下|查看|看一下|看下|看看|"
    "打开|调一下|新线索|新客户|新建|录入|录个|录一个|录|登记|添加|加个|加一个|"
    "新增|释放|放弃|退回|移交|转移"
    "|报价单|给了|给|跟|和|与|同|找|约了|约|见了|见|去了|去|到了|到|在|从|把|"
    "将|向|对|为|替|陪|帮|请|让|叫|问|搜索|搜|查|看|调|抢|领|捞|接|收到|收|来自|"
    "属于|是|的|了|个|家|客户|线索|公司名|公司|单位|拿下|赢单|丢单|签到|打卡|"
    "换成|改成|变成|改为|换到|一趟|趟|离开|标签|标记|记一笔|回款|货款|电话沟通|电话|进|我|他|她|啊|那个|这个|然后|就|也|都|还有|还|以及|及|或|新"
)
LEAD = re.compile(rf"^(?:{LEADS})")
LEADS_ONLY = re.compile(rf"(?:{LEADS})+")
# Verbs and particles after which a company's name starts, wherever they stand before it.
CUT = re.compile(
    r"(?:跟|和|给|与|找|约了?|拜访了?|去了?|到了?|从|把|将|向|联系了?|领取|认领|"
    r"见了?|公海|里面?的|线索|客户|新建|录入|录个|登记|添加|查看|看下|看看|调一下|"
    r"说|要|由|被|让|我|他|她|是|在|为|替|叫|个|的|了)(?=[一-鿿a-z0-9()]{2})"
)
# Trades that are also everyday words: a company only right before somebody there ("天成建材的胡总").
TRADE = (
    "建材|装饰|装修|广告|文化|电器|电子|机械|食品|服饰|服装|家具|家居|汽车|化工|医药|环保|能源|网络|信息|咨询|教育|旅游|农业|纺织|五金|"
    "建筑|工程|电气|仪器|包装|印刷|软件|光电|新材料|生物|医疗|珠宝|酒业|茶业|乳业|钢铁|塑胶|塑料|皮具|鞋业|玩具|照明|物业|投资|资本|控股"
)
COMPANY_OF = re.compile(rf"[{HAN}]{{2,12}}?(?:{TRADE})(?=的?{TAKEN})")
COMPANY_FORM = re.compile(
    rf"[{HAN}a-z0-9()&]{{0,24}}?(?:{COMPANY_ENDS}|{CRAFT})(?:(?:连锁|管理|服务|发展|技术|投资|控股|股份|商贸){{0,2}}(?:有限公司|公司|集团|店|厂))?(?:\([{HAN}]{{2,6}}\))?"
)
# A syllable after which an honorific is another word: 总是, 工作, 哥们, 董事会.
NOT_HONORIFIC = re.compile(
    r"总(?=[是共部体会结的觉算在要价额数计之能监经裁]?(?:共|部|体|是|结|计|价|"
    r"额|数|之))|总[共部体结计额数]|工[作程厂资具地业]|哥们|董事会|处理|处在|科技|"
    r"科目|院子|校区|校园|局面|局势|姐妹"
)


@cache
def _words(name: str) -> tuple[str, ...]:
    return tuple(files("handlers.understanding").joinpath(f"words/{name}.txt").read_text(encoding="utf-8").split())


@cache
def single_surnames() -> frozenset[str]:
    """List the surnames of one sign."""
    return frozenset(_words("surnames")[0])


@cache
def double_surnames() -> tuple[str, ...]:
    """List the surnames of two signs."""
    return _words("surnames")[1:]


@cache
def _honorific() -> str:
    return "|".join(sorted(_words("honorifics"), key=len, reverse=True))


@cache
def _surname() -> str:
    return rf"(?:{'|'.join(double_surnames())}|[{''.join(single_surnames())}])"


@cache
def _titled_pattern() -> re.Pattern[str]:
    # 院, 校, 局 and so on are short for a title only right after a bare surname.
    return re.compile(rf"(?P<surname>{_surname()})(?P<given>[{HAN}]{{0,2}}?)(?P<honorific>{_honorific()})")


@cache
def _familiar_pattern() -> re.Pattern[str]:
    return re.compile(
        rf"(?<![{HAN}])(?P<age>[小老])(?P<surname>{_surname()})(?![{HAN}]?(?:程序|学生))"
        rf"|(?P<age2>[小老])(?P<surname2>{_surname()})"
    )


NOT_FAMILIAR = re.compile(
    r"小(?:程序|时|区|米|项目|项|单子?|金额|于|常|康|高|方案|麦|白|路|龙虾|马达|"
    r"包|费|党|成本|莫|安装|任务|年|华|和|连)|老(?:师|板|总|家|客户|项目|项|单|"
    r"顾客|费|高|万|成|文|边|安|强)"
)


def surname_of(name: str) -> str:
    """Return the surname of a person's name."""
    for surname in double_surnames():
        if name.startswith(surname):
            return surname
    return name[:1]


@lru_cache(maxsize=4096)
def is_company(name: str) -> bool:
    """Tell a company's name from a person's by its end."""
    return bool(IS_COMPANY.search(normalise(name)))


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The names a speaker's own CRM holds: what may be said for each, and who bears a surname."""

    said: tuple[tuple[str, str], ...]
    by_surname: dict[str, tuple[str, ...]]

    def with_surname(self, surname: str) -> str | None:
        """Return the only known person of a surname; None when there is none or more than one."""
        bearers = self.by_surname.get(surname, ())
        return bearers[0] if len(bearers) == 1 else None


def _pairs(known: Iterable[str]) -> Iterable[tuple[str, str]]:
    for entry in known:
        alias, _, name = entry.partition("=")
        alias, name = alias.strip(), name.strip() or alias.strip()
        if alias and name:
            yield alias, name
            yield name, name


@lru_cache(maxsize=256)
def read_known(known: tuple[str, ...]) -> KnownNames:
    """Prepare the known names of a speaker; kept, as the same speaker comes again."""
    said: dict[str, str] = {}
    for alias, name in _pairs(known):
        said.setdefault(normalise(alias), name)
    names = tuple(dict.fromkeys(said.values()))
    for name in names:
        core = re.sub(rf"(?:有限公司|股份有限公司)?(?:{COMPANY_ENDS})?$", "", normalise(name))
        # The short form of a company's name counts when it can mean only one.
        if is_company(name) and len(core) >= 2 and sum(core in normalise(other) for other in names) == 1:
            said.setdefault(core, name)
    by_surname: dict[str, list[str]] = {}
    for name in names:
        if not is_company(name):
            by_surname.setdefault(surname_of(name), []).append(name)
    ordered = sorted(said.items(), key=lambda pair: (-len(pair[0]), pair[0]))
    return KnownNames(tuple(ordered), {surname: tuple(people) for surname, people in by_surname.items()})


def _take_name(sentence: Sentence, start: int, end: int, name: str) -> None:
    kind = COMPANY if is_company(name) else PERSON
    sentence.take(Mention(kind, start, end, name, known=True))


def over_honorific(text: str, end: int, *, company: bool = False) -> int:
    """Return the place behind the honorific that follows a name, or the end of the name."""
    if company or NOT_HONORIFIC.match(text, end):
        return end
    match = re.compile(_honorific()).match(text, end)
    return match.end() if match and match[0] not in {"院", "校", "局", "处", "科"} else end


def mark_known(sentence: Sentence, known: KnownNames) -> None:
    """Take out all known names and aliases, the longest first."""
    for said, name in known.said:
        if said not in sentence.rest:
            continue
        start = sentence.rest.find(said)
        while start >= 0:
            end = over_honorific(sentence.rest, start + len(said), company=is_company(name))
            if not _inside_word(sentence.rest, start, said):
                _take_name(sentence, start, end, name)
            start = sentence.rest.find(said, end)


def _inside_word(text: str, start: int, said: str) -> bool:
    """Tell an ASCII name inside a longer ASCII word."""
    end = start + len(said)
    before, after = text[start - 1 : start], text[end : end + 1]
    left = said[0].isascii() and said[0].isalnum() and before.isascii() and before.isalnum()
    right = said[-1].isascii() and said[-1].isalnum() and after.isascii() and after.isalnum()
    return left or right


def mark_companies(sentence: Sentence) -> None:
    """Take out unknown companies by the end of their name."""
    at = 0
    while match := COMPANY_FORM.search(sentence.rest, at):
        at = match.end()
        start, end = match.start(), match.end()
        name = sentence.rest[start:end]
        start = end - len(_without_leads(name))
        name = sentence.rest[start:end]
        if not LEADS_ONLY.sub("", IS_COMPANY.sub("", name)):
            continue
        if IS_COMPANY.sub("", name).endswith(("做", "搞", "干")) or VERB_END.search(name) or PRONOUN.search(name):
            # "上海做餐饮的": a trade and no name.
            continue
        weak = len(name) < 4 and not re.search(r"(?:公司|集团|学校|医院|大学|酒店|银行)$", name)
        if WEAK_ENDS.match(IS_COMPANY.sub("", name)) or (weak and len(IS_COMPANY.sub("", name)) < 2):
            continue
        sentence.take(Mention(COMPANY, start, end, sentence.raw[start:end]))


def mark_companies_of(sentence: Sentence) -> None:
    """Take out companies named only by their trade, where somebody of theirs stands behind."""
    for match in COMPANY_OF.finditer(sentence.rest):
        name = match[0]
        cuts = [cut.end() for cut in CUT.finditer(name)]
        name = name[cuts[-1] :] if cuts else name
        while (lead := LEAD.match(name)) and len(name) > lead.end():
            name = name[lead.end() :]
        if len(re.sub(rf"(?:{TRADE})$", "", name)) >= 2 and not LEADS_ONLY.fullmatch(name):
            start = match.end() - len(name)
            sentence.take(Mention(COMPANY, start, match.end(), sentence.raw[start : match.end()]))


def _without_leads(name: str) -> str:
    cuts = [match.end() for match in CUT.finditer(name) if len(IS_COMPANY.sub("", name[match.end() :])) >= 2]
    if cuts:
        name = name[cuts[-1] :]
    while (match := LEAD.match(name)) and len(IS_COMPANY.sub("", name[match.end() :])) >= 2:
        name = name[match.end() :]
    return name


def mark_titled(sentence: Sentence, known: KnownNames) -> None:
    """Take out 张总, 赵敏女士, 小陈, 老王: to the known person when exactly one fits, else as said."""
    at = 0
    while match := _titled_pattern().search(sentence.rest, at):
        at = match.start() + 1
        if NOT_HONORIFIC.match(sentence.rest, match.start("honorific")) or TAKEN in match[0]:
            continue
        if _take_titled(sentence, match, known):
            at = match.end()
    for match in _familiar_pattern().finditer(sentence.rest):
        if NOT_FAMILIAR.match(sentence.rest, match.start()):
            continue
        surname = match["surname"] or match["surname2"]
        end = match.end()
        name = known.with_surname(surname) or sentence.raw[match.start() : end]
        sentence.take(Mention(PERSON, match.start(), end, name))


SHORT_TITLES = ("院", "校", "局", "处", "科")
BEFORE_SURNAME = re.compile(rf"[{HAN}]")
# What may stand right before a full name; elsewhere its first sign belongs to another word ("接管李姐").
BEFORE_FULL = re.compile(r"(?:^|[^\u4e00-\u9fff]|[跟和与同给找约见把将由对为请叫陪的是了到去让被说过])$")
# Words whose last sign is also a surname.
ENDS_LIKE_SURNAME = re.compile(
    r"(?:公司|同时|当时|及时|面谈|洽谈|交谈|商谈|免费|收费|各项|事项|项目|订单|"
    r"报单|清单|简单|完成|达成|赞成|钱包|打包|红包|开车|住房|检查|调查|了解|理解|"
    r"销售|方向|工程|流程|行程|全国|客户|采购|老板|分管|主管|接管|技术|财务|行政|"
    r"改成|升成|变成|当成|标成|换成|调成|市场|上海|江苏|生产|研发|副|运营|总经|部门经|产品|大区|区域|项目)$"
)


def _begins_with_region(name: str) -> bool:
    """Tell "苏州李" of 苏州李总; a place alone may be a name (江华)."""
    return name.startswith(tuple(word for word in _words("regions") if len(word) > 1)) and name not in _words("regions")


def _take_titled(sentence: Sentence, match: re.Match[str], known: KnownNames) -> bool:
    surname, given, honorific = match["surname"], match["given"], match["honorific"]
    if surname + honorific in ("高科", "高校", "高院"):
        return False
    if honorific in SHORT_TITLES and (given or BEFORE_SURNAME.match(sentence.rest[match.end() : match.end() + 1])):
        return False
    start, end = match.start(), match.end()
    before = sentence.rest[max(0, start - 4) : start]
    if given and not (_fits_given(given) and BEFORE_FULL.search(before)):
        return False
    if given and (IS_COMPANY.search(match[0]) or _begins_with_region(surname + given)):
        return False
    if ENDS_LIKE_SURNAME.search(before + surname):
        return False
    full = sentence.raw[start : match.start("honorific")] if given else None
    bearer = None if full else known.with_surname(surname)
    sentence.take(Mention(PERSON, start, end, full or bearer or sentence.raw[start:end], known=bearer is not None))
    return True


# Signs that are hardly ever in a given name but often follow a surname that is also a word.
NOT_GIVEN = frozenset(
    "的了在是和跟给说有要我你他她它们这那就都也还没不到去来把让被对从向与及或个家下上里电话微信打聊谈沟拜催视短"
    "转发见通约问想"
    "做看买卖报价合同先后再又很太最更些只能会可以为因所以但而且如果么什怎吗呢吧啊呀哦嗯公司司客户线索经采购销售"
    "老总副十"
)


def _fits_given(given: str) -> bool:
    return not any(sign in NOT_GIVEN for sign in given)
