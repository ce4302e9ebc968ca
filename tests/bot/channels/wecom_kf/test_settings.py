"""What can be wrong with the settings."""

from datetime import timedelta

from bot.secret import NO_SECRET, Secret
from tests.bot.channels.wecom_kf.made import make_settings


def test_good_settings_have_no_problems() -> None:
    assert make_settings().problems() == []


def test_everything_wrong_is_told_at_once() -> None:
    wrong = make_settings(
        corp_id="",
        secret=NO_SECRET,
        token=NO_SECRET,
        open_kfid="",
        aes_key=Secret("short"),
        api_base="qyapi",
        poll_every=timedelta(seconds=1),
    )
    assert [key for key, _ in wrong.problems()] == [
        "corp_id",
        "secret",
        "token",
        "open_kfid",
        "aes_key",
        "api_base",
        "poll_every",
    ]
