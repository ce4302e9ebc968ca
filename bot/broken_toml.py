"""Why a settings file is no TOML, in a sentence for whoever pasted something into it."""

import re
from tomllib import TOMLDecodeError

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_NAMES = re.compile(r"'([^']*)'")
_SAYINGS = (
    (re.compile(r"Cannot overwrite a value"), "这个设置前面已经写过，请只留一处"),
    (re.compile(r"Expected '=' after a key|Invalid statement"), "应写成 名称 = 值"),
    (re.compile(r"Expected newline or end of document|Invalid value"), "值写得不对：文字要加英文引号"),
    (re.compile(r"Unclosed array|Unclosed inline table|Unterminated string|Illegal character"), "引号或括号没有成对"),
    (re.compile(r"Expected '\]+' at the end of a table declaration"), "节名的方括号没有成对"),
)


def sentence_of(error: TOMLDecodeError) -> str:
    """Say where it is and what to do; what we have no words for is told as it came."""
    words = str(error)
    found = _PLACE.search(words)
    cause = words[: found.start()] if found else words
    place = f"第 {found[1]} 行" if found and found[1] else "末尾"
    if cause.startswith("Cannot declare") and "twice" in cause:
        section = ".".join(_NAMES.findall(cause))
        return f"{place}：[{section}] 这一节已存在，请在原处修改，不要再添加一节"
    if found and not found[1]:
        return f"{place}：没有写完，引号或括号没有成对（{cause}）"
    told = next((sentence for pattern, sentence in _SAYINGS if pattern.search(cause)), "")
    return f"{place}：{told}（{cause}）" if told else f"{place}：{cause}"
