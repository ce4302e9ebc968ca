"""How a customer is addressed (称呼): surname and honorific when the title tells one, else the full name, else 您."""

import re
from functools import lru_cache

FALLBACK = "您"
DOUBLE_SURNAMES = (
    "欧阳",
    "司马",
    "上官",
    "诸葛",
    "东方",
    "皇甫",
    "尉迟",
    "公孙",
    "慕容",
    "司徒",
    "令狐",
    "夏侯",
    "宇文",
    "长孙",
    "南宫",
    "端木",
    "百里",
    "东郭",
    "呼延",
    "西门",
)
# What a title ends in (or begins with) and how one then addresses its bearer; the first that fits counts.
_HONORIFICS = (
    (re.compile(r"女士$|小姐$"), "女士"),
    (re.compile(r"先生$"), "先生"),
    (re.compile(r"总$|总经理$|总监$|总裁$|总工$|总助$|^CEO$|^COO$|^CFO$|^CTO$|创始人$", re.IGNORECASE), "总"),
    (re.compile(r"董事长$|董事$"), "董"),
    (re.compile(r"经理$"), "经理"),
    (re.compile(r"主任$"), "主任"),
    (re.compile(r"院长$"), "院长"),
    (re.compile(r"校长$"), "校长"),
    (re.compile(r"厂长$"), "厂长"),
    (re.compile(r"局长$"), "局长"),
    (re.compile(r"处长$"), "处长"),
    (re.compile(r"科长$"), "科长"),
    (re.compile(r"教授$"), "教授"),
    (re.compile(r"老师$|教师$"), "老师"),
    (re.compile(r"医生$|医师$"), "医生"),
    (re.compile(r"律师$"), "律师"),
    (re.compile(r"工程师$|工$"), "工"),
)
_CHINESE_NAME = re.compile(r"[㐀-鿿豈-﫿]{2,4}")
_ADDRESSED = re.compile(r".{1,3}(总|女士|先生|小姐|老师|经理|主任|医生|律师|董)")
_NO_NAME = re.compile(r"微信(用户|客户|访客|粉丝)?[\w-]*|访客.*|匿名.*|未知.*|新关注.*|[\W\d_]*")


def surname_of(name: str) -> str:
    """Tell the surname of a Chinese name; double ones whole."""
    return name[:2] if name.startswith(DOUBLE_SURNAMES) and len(name) > 2 else name[:1]


@lru_cache(maxsize=4096)
def salutation(name: str, title: str = "") -> str:
    """Tell how to address somebody of this name and title."""
    name, title = name.strip(), title.strip()
    if not name or _NO_NAME.fullmatch(name):
        return FALLBACK
    if _ADDRESSED.fullmatch(name) or not _CHINESE_NAME.fullmatch(name):
        return name
    for pattern, honorific in _HONORIFICS:
        if title and pattern.search(title):
            return surname_of(name) + honorific
    return name
