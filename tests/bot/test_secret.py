"""A secret does not show itself."""

from bot.secret import NO_SECRET, Secret


def test_secret_shows_stars_and_gives_its_value_only_when_asked() -> None:
    secret = Secret("p4ss")
    assert [repr(secret), str(secret), f"{secret}", f"{[secret]}"] == ["***", "***", "***", "[***]"]
    assert secret.reveal() == "p4ss"


def test_secrets_compare_by_value_and_an_empty_one_is_false() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not NO_SECRET
    assert Secret("a")
