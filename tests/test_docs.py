"""Generated pages agree with the code, and both READMEs begin with the two commands."""

from pathlib import Path

import pytest

from bot.docs import stale_pages

ROOT = Path(__file__).parents[1]


def test_generated_pages_are_fresh() -> None:
    assert stale_pages() == []


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_readme_begins_with_the_two_commands_and_a_picture(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    head = text[:1500]
    assert "make run" in head
    assert "make test" in head
    assert "docs/images/demo.png" in text


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_readme_names_only_files_that_exist(name: str) -> None:
    import re

    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
