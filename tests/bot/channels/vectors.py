"""The given protocol cases, and requests and channels made from them."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from bot.channel import Channel
from bot.channels.dingtalk import DingTalk
from bot.channels.dingtalk import Settings as DingTalkSettings
from bot.channels.wechat_oa import Settings as WechatOaSettings
from bot.channels.wechat_oa import WechatOa
from bot.channels.wecom import Settings as WeComSettings
from bot.channels.wecom import WeCom
from bot.httpclient import HttpClient
from bot.secret import Secret
from tests.fakes import FakeClock

VECTORS = Path(__file__).parents[2] / "vectors"
Case = dict[str, Any]


def cases(file: str, *kinds: str, platform: str = "") -> list[Case]:
    found = json.loads((VECTORS / file).read_text(encoding="utf-8"))["cases"]
    return [case for case in found if (not kinds or case["kind"] in kinds) and (not platform or case["platform"] == platform)]


def case_id(case: Case) -> str:
    return str(case["id"])


def by_action(rows: list[Case]) -> Callable[..., pytest.MarkDecorator]:
    """Make the decorator that gives a test the rows whose expected action begins with one of its words."""

    def choose(*actions: str) -> pytest.MarkDecorator:
        chosen = [case for case in rows if case["expect"]["action"].startswith(actions)]
        assert chosen
        return pytest.mark.parametrize("case", chosen, ids=case_id)

    return choose


def answer_of(case: Case) -> tuple[int, object]:
    return case["response"]["http"], case["response"]["body"]


def clock_of(case: Case) -> FakeClock:
    return FakeClock(datetime.fromtimestamp(case["now"], UTC))


def channel_of(case: Case, clock: FakeClock, http: HttpClient) -> Channel:
    config = case["config"]
    if case["platform"] == "wechat_mp":
        return WechatOa("wechat", wechat_settings(config), http, clock)
    if case["platform"] == "wecom":
        return WeCom("wecom", wecom_settings(config), http, clock)
    return DingTalk("dingtalk", dingtalk_settings(config), http, clock)


def wechat_settings(config: Mapping[str, Any], **changes: Any) -> WechatOaSettings:
    return WechatOaSettings(
        **{
            "app_id": config["appid"],
            "original_id": config["original_id"],
            "app_secret": Secret("app-secret-not-real"),
            "token": Secret(config["token"]),
            "aes_key": Secret(config["encoding_aes_key"]),
            "mode": {"compat": "compatible"}.get(config["mode"], config["mode"]),
            **changes,
        }
    )


def wecom_settings(config: Mapping[str, Any], **changes: Any) -> WeComSettings:
    return WeComSettings(
        **{
            "corp_id": config["corpid"],
            "agent_id": config["agentid"],
            "secret": Secret("app-secret-not-real"),
            "contact_secret": Secret("contact-secret-not-real"),
            "token": Secret(config["token"]),
            "aes_key": Secret(config["encoding_aes_key"]),
            **changes,
        }
    )


def dingtalk_settings(config: Mapping[str, Any], **changes: Any) -> DingTalkSettings:
    return DingTalkSettings(
        **{
            "client_id": config["app_key"],
            "client_secret": Secret(config["app_secret"]),
            "robot_code": config["robot_code"],
            "event_token": Secret(config["event_token"]),
            "event_aes_key": Secret(config["event_aes_key"]),
            "card_secret": Secret(config["card_api_secret"]),
            **changes,
        }
    )


def body_of(request: Mapping[str, Any]) -> bytes:
    if "body_b64" in request:
        return base64.b64decode(request["body_b64"])
    if "body_gen" in request:
        made = request["body_gen"]
        parts = [made.get("prefix", ""), _repeat(made.get("repeat")), made.get("middle", "")]
        return "".join([*parts, _repeat(made.get("repeat2")), made.get("suffix", "")]).encode()
    return str(request.get("body", "")).encode()


def _repeat(part: tuple[str, int] | None) -> str:
    return part[0] * part[1] if part else ""


def url_of(base: URL, request: Mapping[str, Any]) -> URL:
    if "raw_query" in request:
        return URL(f"{base}?{request['raw_query']}", encoded=True)
    return base.with_query(request.get("query", {}))
