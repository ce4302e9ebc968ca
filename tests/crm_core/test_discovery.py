"""Growing by one file."""

import sys
from pathlib import Path

import pytest

from crm_core.discovery import DiscoveryError, collect


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = tmp_path / f"found_{tmp_path.name}"
    made.mkdir()
    (made / "__init__.py").write_text("")
    yield made
    for name in [name for name in sys.modules if name.startswith(made.name)]:
        del sys.modules[name]


def kinds(value: object) -> str | None:
    return getattr(value, "kind", None) if isinstance(value, type) else None


def test_each_module_declares_and_underscored_ones_are_left_out(package: Path) -> None:
    (package / "b.py").write_text("class B: kind = 'b'\nother = 5\n")
    (package / "a.py").write_text("class A: kind = 'a'\n")
    (package / "_shared.py").write_text("raise RuntimeError\n")
    assert list(collect(package.name, kinds)) == ["a", "b"]


@pytest.mark.parametrize(("text", "reason"), [("x = 1\n", "declares nothing"), ("class A: kind = 'a'\n", "a second time")])
def test_a_module_that_declares_nothing_or_twice_is_named(package: Path, text: str, reason: str) -> None:
    (package / "a.py").write_text("class A: kind = 'a'\n")
    (package / "wrong.py").write_text(text)
    with pytest.raises(DiscoveryError, match=rf"wrong\.py.*{reason}"):
        collect(package.name, kinds)
