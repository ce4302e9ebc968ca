"""The set-up guides agree with the product: settings, defaults, examples, commands, links, and what the doctor says."""

import re
import tomllib
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from bot.config import SettingsProblems, channel_kinds, load, parse, settings_class
from bot.secret import Secret
from bot.settings_values import read_value
from tests.pages import ROOT, blocks, broken_links, calls, table_rows, wrong_in

FOLDER = ROOT / "docs" / "setup"
PAGES = sorted([*FOLDER.glob("*.md"), ROOT / "deploy" / "README.md"])
KINDS = sorted(channel_kinds())
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
READMES = [ROOT / "README.md", ROOT / "README.zh.md"]
NAMES = [*IDS, *(page.name for page in READMES)]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def secrets_of(page: Path) -> dict[str, str]:
    """The variables a page tells to set, with made-up secrets that fit every rule for secrets."""
    lines = [line for block in blocks(text_of(page), "env") for line in block.splitlines() if line.strip()]
    named = dict(line.split("=", 1) for line in lines)
    return {name: value if name.startswith("GUANXI_") else "A" * 43 for name, value in named.items()}


def settings_of(kind: str) -> dict[str, tuple[Any, Any]]:
    """Each key of a kind as it stands in the file, with its type and its default."""
    cls = settings_class(channel_kinds()[kind])
    hints = get_type_hints(cls)
    return {
        f"{each.name}_env" if hints[each.name] is Secret else each.name: (hints[each.name], each.default)
        for each in fields(cls)
    }


def told_of(kind: str) -> dict[str, str]:
    """The table of all settings of a page: key to default."""
    rows = table_rows(text_of(FOLDER / f"{kind}.md").partition("## 全部设置")[2])
    return {row[0].strip("`"): row[1] for row in rows if len(row) == 3 and row[0].startswith("`")}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_channel_has_a_page_with_all_its_settings(kind: str) -> None:
    assert set(told_of(kind)) == set(settings_of(kind))
    text = text_of(FOLDER / f"{kind}.md")
    for hint, _ in settings_of(kind).values():
        if get_origin(hint) is tuple and is_dataclass(get_args(hint)[0]):
            inner = get_type_hints(get_args(hint)[0])
            for name, of_inner in inner.items():
                assert f"`{name}_env`" in text if of_inner is Secret else f"`{name}`" in text, name


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_told_are_the_real_ones(kind: str) -> None:
    for key, (hint, default) in settings_of(kind).items():
        cell = told_of(kind)[key]
        if cell == "必填":
            assert default is MISSING, key
        elif cell == "空":
            assert not default, key
        else:
            raw = tomllib.loads(f"value = {cell.strip('`')}")["value"]
            assert read_value(hint, raw, FOLDER) == default, key


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_example_of_settings_can_be_read(page: Path) -> None:
    for block in blocks(text_of(page), "toml"):
        document = tomllib.loads(block)
        if "[[channels" in block and 'kind = "' not in block:
            document = tomllib.loads(blocks(text_of(page), "toml")[0] + block)
        parse(document, secrets_of(page), Path("/etc/guanxi"))


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_variable_named_is_used_and_the_other_way_round(page: Path) -> None:
    text = text_of(page)
    used = {name for block in blocks(text, "toml") for name in re.findall(r'_env = "([A-Z_]+)"', block)}
    told = {name for name in secrets_of(page) if not name.startswith("GUANXI_")}
    assert used == told


@pytest.mark.parametrize("kind", KINDS)
def test_the_callback_address_told_is_that_of_the_channel_in_the_example(kind: str) -> None:
    text = text_of(FOLDER / f"{kind}.md")
    (name,) = {name for block in blocks(text, "toml") for name in tomllib.loads(block).get("channels", {})}
    assert set(re.findall(r"https://你的域名/hook/([\w-]+)", text)) == {name}


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_and_the_shipped_settings_agree(kind: str) -> None:
    """Whoever only switches the shipped section on needs the variables of the page's first example, and has its values."""
    shipped = tomllib.loads(text_of(ROOT / "config.toml"))["channels"]
    text = text_of(FOLDER / f"{kind}.md")
    ((name, first),) = tomllib.loads(blocks(text, "toml")[0])["channels"].items()
    if name in shipped:
        assert {**shipped[name], "enabled": True} == first
        assert f"已经有 `[channels.{name}]` 这一节，`enabled = false`" in text
    else:
        assert "没有这一节，加在文件末尾" in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_section_pasted_a_second_time_is_one_chinese_sentence(kind: str, tmp_path: Path) -> None:
    text = text_of(ROOT / "config.toml")
    block = blocks(text_of(FOLDER / f"{kind}.md"), "toml")[0]
    ((name, _),) = tomllib.loads(block)["channels"].items()
    if f"[channels.{name}]" not in text:
        text += block
    path = tmp_path / "config.toml"
    path.write_text(text + block, encoding="utf-8")
    with pytest.raises(SettingsProblems) as found:
        load(path, {})
    (problem,) = found.value.problems
    assert f"[channels.{name}] 这一节已存在，请在原处修改" in str(problem)
    assert "declare" not in str(problem)


def test_the_trouble_table_points_at_the_right_steps() -> None:
    """A step of another page that the table names is the one that speaks of the matter."""
    (row,) = [row for row in table_rows(text_of(FOLDER / "README.md")) if "可调用接口的应用" in row[1]]
    step = re.search(r"wecom\.md\)第 (\d) 步", row[2])
    assert step is not None
    assert "可调用接口的应用" in text_of(FOLDER / "wecom.md").partition(f"\n### {step[1]}. ")[2].partition("\n### ")[0]


@pytest.mark.parametrize("page", [*PAGES, *READMES], ids=NAMES)
def test_every_command_named_exists(page: Path) -> None:
    found = list(calls(text_of(page)))
    assert found
    assert [" ".join(call) + ": " + wrong_in(call) for call in found if wrong_in(call)] == []


@pytest.mark.parametrize("page", [*PAGES, *READMES], ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_what_the_trouble_table_quotes_the_doctor_says() -> None:
    said = "".join(text_of(path) for path in sorted((ROOT / "bot" / "doctor").glob("*.py")))
    section = text_of(FOLDER / "README.md").partition("## doctor 说的话，怎么办")[2].partition("其他常见问题")[0]
    quoted = [words for row in table_rows(section) for words in re.findall(r"“([^”]+)”", row[0])]
    assert len(quoted) > 30
    assert [words for words in quoted if words not in said] == []


def test_the_guides_name_no_secret_and_no_machine() -> None:
    for page in PAGES:
        text = text_of(page)
        assert not re.search(r"\d{1,3}(\.\d{1,3}){3}", text.replace("127.0.0.1", "")), page
        assert "/work/" not in text, page
