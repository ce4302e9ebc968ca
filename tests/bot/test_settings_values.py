"""Values of settings, from TOML and from the environment."""

from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.settings_values import BadValue, FromEnvironment, Size, name_of_type, read_value

FOLDER = Path("/srv/guanxi")
GOOD = [
    (str, "abc", "abc"),
    (int, 5, 5),
    (int, FromEnvironment("9000"), 9000),
    (bool, True, True),
    (bool, FromEnvironment("FALSE"), False),
    (timedelta, "5s", timedelta(seconds=5)),
    (timedelta, "500ms", timedelta(milliseconds=500)),
    (timedelta, "3.5s", timedelta(seconds=3.5)),
    (timedelta, "2h", timedelta(hours=2)),
    (time, "21:00", time(21)),
    (time, time(8, 30), time(8, 30)),
    (Size, "1MiB", 1024**2),
    (Size, FromEnvironment("512KiB"), 512 * 1024),
    (Path, "data", FOLDER / "data"),
    (Path, "/var/guanxi", Path("/var/guanxi")),
    (tuple[str, ...], ["a", "b"], ("a", "b")),
    (tuple[str, ...], FromEnvironment("a, b"), ("a", "b")),
    (tuple[str, ...], FromEnvironment('["a,b"]'), ("a,b",)),
    (str | None, "abc", "abc"),
]
BAD = [
    (str, 5),
    (int, "5"),
    (int, True),
    (int, -1),
    (int, 1.5),
    (int, FromEnvironment("x")),
    (bool, "true"),
    (bool, FromEnvironment("maybe")),
    (timedelta, 5),
    (timedelta, "5"),
    (timedelta, "-5s"),
    (timedelta, "9999999999999s"),
    (time, "24:00"),
    (time, "9"),
    (time, 21),
    (Size, "1MB"),
    (Size, 1024),
    (tuple[str, ...], "a"),
    (tuple[str, ...], FromEnvironment("[a")),
]


@pytest.mark.parametrize(("kind", "raw", "value"), GOOD)
def test_what_fits(kind: Any, raw: object, value: object) -> None:
    assert read_value(kind, raw, FOLDER) == value


@pytest.mark.parametrize(("kind", "raw"), BAD)
def test_what_does_not_fit_says_what_is_expected(kind: Any, raw: object) -> None:
    with pytest.raises(BadValue) as bad:
        read_value(kind, raw, FOLDER)
    assert bad.value.sentence.startswith("需要")


def test_a_type_without_a_form_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError):
        read_value(dict, {}, FOLDER)


def test_types_have_names_for_people() -> None:
    assert name_of_type(tuple[str, ...]) == "list of text"
    assert name_of_type(Size) == 'size ("1MiB")'
