"""Names of persons and companies in the form they are compared in: one width, no legal form, by sound.

A key is what an index finds: the syllables of the name without tones, so that homophones stand under one key. Whether two
names under one key are the same characters is decided on the names themselves. Pure; nothing here knows a table's class.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from unicodedata import normalize

KEY_LIMIT = 96
_NOT_A_WORD = re.compile(r"[^\w]|_")
_PARTS = re.compile(r"[a-z0-9]+|.")
_BRACKETS = re.compile(r"[(\[（【〔]([^)\]）】〕]*)[)\]）】〕]")
_PLACEHOLDER = re.compile(
    r"(?:微信|企业微信|企微|钉钉)?(?:访客|用户|客户|好友|联系人)\d*|未知|匿名|先生|女士|小姐|老板|测试|无名|不详|\d*"
)
"""What stands where nobody knows a name: no two of them are the same person for it."""
_LEGAL_FORMS = re.compile(
    r"(?:股份有限责任公司|股份有限公司|有限责任公司|有限公司|股份公司|总公司|公司"
    r"|incorporated|corporation|company|limited|coltd|corp|inc|llc|ltd|gmbh|plc|co)$"
)
_BRANCH = re.compile(r"(?:分公司|子公司|办事处|分店|分厂)$")
_REGIONS = (
    "北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南"
    " 陕西 甘肃 青海 台湾 内蒙古 广西 西藏 宁夏 新疆 香港 澳门 中国 广州 深圳 东莞 佛山 珠海 中山 惠州 杭州 宁波 温州 嘉兴"
    " 绍兴 金华 台州 南京 苏州 无锡 常州 南通 徐州 扬州 武汉 长沙 成都 西安 郑州 济南 青岛 烟台 潍坊 合肥 福州 厦门 泉州"
    " 南昌 沈阳 大连 长春 哈尔滨 石家庄 唐山 太原 昆明 贵阳 南宁 海口 兰州 西宁 银川 乌鲁木齐 呼和浩特 拉萨"
)
_REGION_HEAD = re.compile(f"({'|'.join(sorted(_REGIONS.split(), key=len, reverse=True))})(?:省|市|自治区|特别行政区)?")
SURNAMES = {
    **{"单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "查": "zha", "盖": "ge", "任": "ren", "华": "hua", "区": "ou"},
    **{"尉": "wei", "万": "wan", "员": "yun", "乐": "yue", "缪": "miao", "朴": "piao", "覃": "qin", "翟": "zhai", "句": "gou"},
    **{"召": "shao", "繁": "po", "逄": "pang", "晁": "chao", "黑": "he", "秘": "bi", "折": "she", "卜": "bu", "褚": "chu"},
    **{"冼": "xian", "洗": "xian", "牟": "mu", "宓": "mi", "祭": "zhai", "隗": "kui", "纪": "ji", "燕": "yan", "应": "ying"},
}
"""How a character is read as a surname, where it is read otherwise elsewhere."""
_TWO_SURNAMES = {"尉迟": ("yu", "chi"), "万俟": ("mo", "qi"), "单于": ("chan", "yu"), "长孙": ("zhang", "sun")}


@dataclass(frozen=True, slots=True)
class CompanyName:
    """A company's name without its legal form: what it is called, and the place it names, if it does."""

    core: str
    region: str = ""


@lru_cache(maxsize=8192)
def plain_name(name: str | None) -> str:
    """Write a name with one width and case, without blanks and signs; empty for a placeholder."""
    text = _NOT_A_WORD.sub("", normalize("NFKC", name or "").casefold())
    return "" if _PLACEHOLDER.fullmatch(text) else text


@lru_cache(maxsize=8192)
def person_key(name: str | None) -> str:
    """Give the key of a person's name: its sound, the surname read as one."""
    text = plain_name(name)
    two = _TWO_SURNAMES.get(text[:2])
    first = two or ((SURNAMES[text[0]],) if text[:1] in SURNAMES else ())
    return _joined([*first, *_sounds(text[len(first) :])])


@lru_cache(maxsize=8192)
def company_name(name: str | None) -> CompanyName:
    """Take a company's name apart: ＡＢ科技（上海）有限公司 and 上海AB科技公司 are the same core and the same place."""
    text = normalize("NFKC", name or "").casefold()
    inside = [_NOT_A_WORD.sub("", part) for part in _BRACKETS.findall(text)]
    text = _NOT_A_WORD.sub("", _BRACKETS.sub("", text))
    region = ""
    for part in inside:
        found = _REGION_HEAD.fullmatch(part)
        if found and not region:
            region = found[1]
        elif not _LEGAL_FORMS.fullmatch(part):
            text += part
    core = text if _BRANCH.search(text) else _LEGAL_FORMS.sub("", text)
    head = _REGION_HEAD.match(core)
    if head and len(core) - head.end() >= 2:
        region, core = region or head[1], core[head.end() :]
    if _PLACEHOLDER.fullmatch(core):
        return CompanyName("")
    return CompanyName(core or text, "" if region == "中国" else region)


@lru_cache(maxsize=8192)
def company_key(name: str | None) -> str:
    """Give the key of a company's name: the sound of its core."""
    return _joined(_sounds(company_name(name).core))


KEYS: Mapping[str, Mapping[str, tuple[str, Callable[[str | None], str]]]] = {
    "leads": {"name_key": ("name", person_key), "company_key": ("company", company_key)},
    "contacts": {"name_key": ("name", person_key)},
    "customers": {"name_key": ("name", company_key)},
}
"""By table: the columns that hold keys, each with the column it is made of."""


def with_keys(table: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Add the keys of the names among the values of a row that is written in plain SQL."""
    keys = {key: make(values[name]) for key, (name, make) in KEYS.get(table, {}).items() if name in values}
    return {**values, **keys}


def _sounds(text: str) -> list[str]:
    return [part if part.isascii() else _sound(part) for part in _PARTS.findall(text)]


@lru_cache(maxsize=32_768)
def _sound(sign: str) -> str:
    return str(_reader()(sign, errors="default")[0])


@lru_cache(maxsize=1)
def _reader() -> Any:  # the library declares no types for its options
    # Sign by sign no phrase is looked up: without them the library takes a quarter of the time to load and of the memory.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    from pypinyin import lazy_pinyin

    return lazy_pinyin


def warm_up() -> None:
    """Load the readings; takes a tenth of a second, on a thread of its own."""
    _reader()


def _joined(syllables: list[str]) -> str:
    return " ".join(syllables)[:KEY_LIMIT]
