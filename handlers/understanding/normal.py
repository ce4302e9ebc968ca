"""Bring a sentence to one width and spelling without moving a character, so that spans point into the original."""

import re
import unicodedata
from functools import lru_cache

# Slips of typing and of voice input that change the meaning of a rule word. Each pair has the same length.
HOMOPHONES = (
    ("勾通", "沟通"),
    ("构通", "沟通"),
    ("撤消", "撤销"),
    ("以经", "已经"),
    ("己经", "已经"),
    ("代办", "待办"),
    ("带办", "待办"),
    ("微心", "微信"),
    ("危信", "微信"),
    ("徽信", "微信"),
    ("钉丁", "钉钉"),
    ("共海", "公海"),
    ("提新我", "提醒我"),
    ("题醒", "提醒"),
    ("提型", "提醒"),
    ("提行我", "提醒我"),
    ("报假单", "报价单"),
    ("抱价", "报价"),
    ("保价单", "报价单"),
    ("合通", "合同"),
    ("和同", "合同"),
    ("商即", "商机"),
    ("拜仿", "拜访"),
    ("白访", "拜访"),
    ("拜坊", "拜访"),
    ("客护", "客户"),
    ("客戶", "客户"),
    ("线所", "线索"),
    ("线锁", "线索"),
    ("现索", "线索"),
    ("预祘", "预算"),
    ("予算", "预算"),
    ("标鉴", "标签"),
    ("标千", "标签"),
    ("报消", "报销"),
    ("报肖", "报销"),
    ("回宽", "回款"),
    ("业积", "业绩"),
    ("业迹", "业绩"),
    ("液绩", "业绩"),
    ("漏抖", "漏斗"),
    ("群法", "群发"),
    ("裙发", "群发"),
    ("祝服", "祝福"),
    ("日抱", "日报"),
    ("周抱", "周报"),
    ("签倒", "签到"),
    ("打咔", "打卡"),
    ("打卞", "打卡"),
    ("电活", "电话"),
    ("淀话", "电话"),
    ("龙历", "农历"),
    ("录如", "录入"),
    ("礼白", "礼拜"),
    ("星其", "星期"),
    ("中球节", "中秋节"),
    ("中秋杰", "中秋节"),
    ("端五节", "端午节"),
    ("园旦", "元旦"),
    ("圆旦", "元旦"),
    ("清名节", "清明节"),
    ("两小时侯", "两小时后"),
    ("小时厚", "小时后"),
    ("天厚", "天后"),
)

# 元月 is the first month, but not in "30元月租".
FIRST_MONTH = re.compile(r"(?<![\d一二三四五六七八九十百千万两几])元月(?=[\d一二三四五六七八九十初底中下上份])")
# 在 typed for 再, but not in 正在谈, 卡在谈判.
AGAIN = re.compile(r"(?<![正还就都卡一直现存停])在(?=约|聊|跟进|联系|打给|谈(?!判)|说吧)")
# Signs that NFKC leaves alone but that mean the same to us.
SAME_SIGNS = {
    "\u3000": " ",
    "\u00a0": " ",
    "\t": " ",
    "\r": " ",
    "～": "~",
    "—": "-",
    "–": "-",
    "−": "-",
    "﹣": "-",
    "〇": "零",
}


@lru_cache(maxsize=8192)
def _plain_sign(sign: str) -> str:
    if sign in SAME_SIGNS:
        return SAME_SIGNS[sign]
    if unicodedata.category(sign) in {"Cc", "Cs", "Co", "Cf"} and sign != "\n":
        # Control and private signs mean nothing, and our own marks are private signs: they must not be forged.
        return " "
    folded = unicodedata.normalize("NFKC", sign)
    if len(folded) != 1 or unicodedata.category(folded) == "Co":
        return sign
    lowered = folded.lower()
    return lowered if len(lowered) == 1 else folded


def normalise(text: str) -> str:
    """Return the text in half width and lower case with known slips mended; its length is that of the original."""
    plain = "".join(map(_plain_sign, text))
    plain = AGAIN.sub("再", FIRST_MONTH.sub("一月", plain))
    for wrong, right in HOMOPHONES:
        if wrong in plain:
            plain = plain.replace(wrong, right)
    return plain
