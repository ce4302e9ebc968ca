"""What is said of a settings file that is no TOML."""

import tomllib

import pytest

from bot.broken_toml import sentence_of


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[channels.wecom]\na = 1\n[channels.wecom]\n", "第 3 行：[channels.wecom] 这一节已存在，请在原处修改，不要再添加一节"),
        ("[server]\nport = 1\nport = 2\n", "第 3 行：这个设置前面已经写过，请只留一处（"),
        ("[server]\nhost = abc\n", "第 2 行：值写得不对：文字要加英文引号（"),
        ("[server]\nhost 1\n", "第 2 行：应写成 名称 = 值（"),
        ("[server\n", "第 1 行：节名的方括号没有成对（"),
        ('[server]\nhost = "abc\n', "第 2 行：引号或括号没有成对（"),
        ("[server]\ntrusted_proxies = [", "末尾：没有写完，引号或括号没有成对（"),
        ('[server]\nhost = "\\q"\n', "第 2 行："),
    ],
)
def test_the_line_and_the_mend_are_told(text: str, sentence: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as found:
        tomllib.loads(text)
    assert sentence_of(found.value).startswith(sentence)
    assert "(at " not in sentence_of(found.value)
