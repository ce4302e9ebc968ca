"""The settings of a DingTalk robot."""

from bot.channels.dingtalk import CustomRobot
from bot.secret import NO_SECRET, Secret
from tests.bot.channels.dingtalk.made import make_settings


def test_right_settings_have_no_problem_and_hide_their_secrets() -> None:
    settings = make_settings()
    assert settings.problems() == []
    assert "client-secret" not in repr(settings)
    assert settings.robot == settings.client_id
    assert make_settings(robot_code="r").robot == "r"
    assert make_settings(event_token=NO_SECRET, event_aes_key=NO_SECRET).problems() == []


def test_every_problem_is_named_with_its_key() -> None:
    wrong = make_settings(client_id="", event_token=NO_SECRET, event_aes_key=Secret("short"), api_base="x", oapi_base="x")
    assert {key for key, _ in wrong.problems()} == {"client_id", "event_token", "event_aes_key", "api_base", "oapi_base"}
    assert [key for key, _ in make_settings(receive="mail").problems()] == ["receive"]
    assert make_settings(receive="stream").problems() == []


def test_cards_over_http_need_their_secret_and_robots_a_name_each() -> None:
    carded = make_settings(card_template_id="t", card_secret=NO_SECRET)
    assert [key for key, _ in carded.problems()] == ["card_secret"]
    assert make_settings(card_template_id="t", card_secret=NO_SECRET, receive="stream").problems() == []
    twice = (CustomRobot("群", Secret("https://a.b/")), CustomRobot("群", Secret("https://a.b/")))
    assert [key for key, _ in make_settings(custom_robots=twice).problems()] == ["custom_robots"]
