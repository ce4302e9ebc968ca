"""The made-up credentials are such as the platforms give."""

import base64

from bot.simulator.accounts import DingTalkApp, SimulatorOptions, WeChatAccount, WeComCorp


def test_default_keys_have_the_platforms_form():
    corp = WeComCorp()
    for key in (WeChatAccount().aes_key, DingTalkApp().event_aes_key, corp.aes_key, corp.kf_aes_key):
        assert len(key) == 43
        assert key.isalnum()
        assert len(base64.b64decode(key + "=")) == 32
    assert WeChatAccount().app_id.startswith("wx")
    assert corp.corp_id.startswith("ww")
    assert len({corp.secret, corp.contact_secret, corp.kf_secret}) == 3
    assert WeChatAccount().original_id.startswith("gh_")


def test_default_behaviour_is_that_of_the_platforms():
    options = SimulatorOptions()
    assert (options.push_timeout_seconds, options.push_attempts) == (5.0, 3)
    assert (options.dingtalk_qps, options.session_webhook_seconds) == (20, 5400)
