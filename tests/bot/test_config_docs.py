"""docs/config.md says what the classes say."""

import pytest

from bot.config_docs import TARGET, markdown
from tests.pages import table_rows


def test_the_page_is_not_stale() -> None:
    assert TARGET.read_text(encoding="utf-8") == markdown(), "run `make docs`"


def test_secrets_are_named_by_their_variable() -> None:
    page = markdown()
    assert "| `app_secret_env` | name of a variable | required |" in page
    assert "| `custom_robots` | list of {name, url_env, secret_env} |" in page
    assert '| `reply_within` | duration ("5s") | `3.5s` | After it' in page


def test_every_setting_says_what_it_means() -> None:
    rows = table_rows(markdown())
    assert [row for row in rows if not row[-1]] == []


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("durability", ("power", "process")),
        ("mode", ("plain", "compatible", "safe")),
        ("account", ("service", "subscription")),
        ("receive", ("http", "stream")),
        ("tell_of_new_leads", ("managers", "everyone", "nobody")),
    ],
)
def test_settings_of_a_few_words_tell_them(key: str, words: tuple[str, ...]) -> None:
    (row,) = [row for row in table_rows(markdown()) if row[0] == f"`{key}`"]
    assert all(word in row[-1] for word in words)
