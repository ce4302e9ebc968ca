"""The settings of an Official Account."""

from bot.secret import NO_SECRET, Secret
from tests.bot.channels.wechat_oa.made import make_settings


def test_right_settings_have_no_problem_and_hide_their_secrets() -> None:
    settings = make_settings()
    assert settings.problems() == []
    assert "scrmWxTok3n" not in repr(settings)
    assert make_settings(mode="plain", aes_key=NO_SECRET).problems() == []


def test_every_problem_is_named_with_its_key() -> None:
    wrong = make_settings(app_id="", token=NO_SECRET, aes_key=Secret("short"), account="x", api_base="api.weixin.qq.com")
    assert {key for key, _ in wrong.problems()} == {"app_id", "token", "aes_key", "account", "api_base"}
    assert {key for key, _ in make_settings(mode="open").problems()} == {"mode"}
