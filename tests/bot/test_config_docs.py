"""docs/config.md says what the classes say."""

from bot.config_docs import TARGET, markdown


def test_the_page_is_not_stale() -> None:
    assert TARGET.read_text(encoding="utf-8") == markdown(), "run `make docs`"


def test_secrets_are_named_by_their_variable() -> None:
    page = markdown()
    assert "| `app_secret_env` | name of a variable | required |" in page
    assert "| `custom_robots` | list of {name, url_env, secret_env} |" in page
    assert '| `reply_within` | duration ("5s") | `3.5s` | After it' in page
