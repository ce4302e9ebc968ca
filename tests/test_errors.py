"""Every error a person can cause has a code, fields, a short plain sentence, and a place that raises it."""

import importlib
import re
from pathlib import Path

import pytest

from crm_core.errors import CrmError

ROOT = Path(__file__).parents[1]
FOLDERS = ("crm_core", "scheduler", "campaigns", "handlers", "bot")


def _load_everything() -> None:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if not {"migrations", "__main__", "bench", "simulator"} & set(parts):
                importlib.import_module(".".join(parts).removesuffix(".__init__"))


def _subclasses(kind: type[CrmError]) -> list[type[CrmError]]:
    return [found for each in kind.__subclasses__() for found in (each, *_subclasses(each))]


_load_everything()
ERRORS = sorted(_subclasses(CrmError), key=lambda error: error.code)
SOURCES = "\n".join(path.read_text(encoding="utf-8") for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def test_codes_are_unique() -> None:
    codes = [error.code for error in ERRORS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_sentence_is_short_plain_and_polite(error: type[CrmError]) -> None:
    assert error.code
    words = re.sub(r"\{\w+\}", "字", error.text)
    assert 0 < len(words) <= 60
    assert not re.search(r"[您你]|[<>*_`]", words)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_placeholders_are_the_fields_it_is_raised_with(error: type[CrmError]) -> None:
    calls = re.findall(rf"\b{error.__name__}\(((?:[^()]|\([^()]*\))*)\)", SOURCES)
    for call in calls:
        if call == error.__mro__[1].__name__ or "**" in call:  # the class statement itself, and errors passed on
            continue
        given = set(re.findall(r"(?:^|[,\s])(\w+)=(?!=)", call))
        assert error.placeholders() <= given, f"{error.__name__}({call})"
    sentence = error(**dict.fromkeys(error.placeholders(), "某某")).sentence()
    assert "{" not in sentence
