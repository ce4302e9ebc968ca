"""What is wrong with settings is said by key."""

from bot.secret import NO_SECRET, Secret
from tests.bot.channels.wecom.made import make_settings


def test_good_settings_have_no_problems() -> None:
    assert make_settings().problems() == []
    assert make_settings().has_own_contact_secret
    assert not make_settings(contact_secret=NO_SECRET).has_own_contact_secret
    assert not make_settings(contact_secret=Secret("app-secret-not-real")).has_own_contact_secret


def test_every_problem_is_told() -> None:
    wrong = make_settings(corp_id="", agent_id=0, secret=NO_SECRET, token=NO_SECRET, aes_key=Secret("kurz"), api_base="ftp://x")
    assert {key for key, _ in wrong.problems()} == {"corp_id", "agent_id", "secret", "token", "aes_key", "api_base"}
