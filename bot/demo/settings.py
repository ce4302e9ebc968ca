"""The settings of the demo: both channels as a customer would set them, with the simulators as the platforms."""

from datetime import datetime, timedelta
from pathlib import Path

from bot.config import Settings, parse
from bot.simulator import Simulator
from crm_core.policy import quiet_until
from crm_core.ports import CampaignSettings

HOST = "127.0.0.1"
WECHAT, DINGTALK = "wechat", "dingtalk"
_NO_QUIET_HOURS = {"quiet_from": "00:00", "quiet_until": "00:00"}
_AHEAD = timedelta(hours=1)
_ANSWERS = {
    "welcome": "您好，欢迎关注恒联工控！想了解网关选型、报价或样机，直接留言就行。",
    "default": "消息已收到，客户经理会尽快回复您。",
    "keywords": [
        {
            "words": ["报价", "价格", "多少钱", "怎么卖"],
            "answer": "G200 网关按数量报价，客户经理稍后联系您。方便的话请留下数量和手机号。",
        },
        {"words": ["样机", "试用"], "answer": "可以申请样机试用两周，请留下公司和收件地址。"},
        {"words": ["地址", "怎么走"], "answer": "苏州工业园区星湖路 88 号 3 栋，来之前打个招呼就行。"},
        {"words": ["质保", "保修"], "answer": "整机质保三年，三年内免费换新。"},
    ],
}


def is_night(now: datetime) -> bool:
    """Tell whether the default quiet hours hold now or begin within the hour, when a greeting could not be watched."""
    settings = CampaignSettings()
    return any(quiet_until(settings, at) is not None for at in (now, now + _AHEAD))


def make_settings(simulator: Simulator, folder: Path, port: int, *, night: bool) -> Settings:
    """Make the settings of a demo whose platforms listen already; at night without the quiet hours, which the page says."""
    account, app, platforms = simulator.wechat.account, simulator.dingtalk.app, simulator.base_url
    document = {
        "core": {"data_dir": str(folder)},
        "server": {"host": HOST, "port": port, "public_url": f"http://{HOST}:{port}"},
        "database": {"url": f"sqlite://{folder / 'guanxi.db'}"},
        "campaigns": {"unsigned_approvals": True, **(_NO_QUIET_HOURS if night else {})},
        "pools": {"tell_of_new_leads": "everyone"},
        "answers": _ANSWERS,
        "channels": {
            WECHAT: {
                "kind": "wechat_oa",
                "app_id": account.app_id,
                "original_id": account.original_id,
                "app_secret_env": "WECHAT_APP_SECRET",
                "token_env": "WECHAT_TOKEN",
                "aes_key_env": "WECHAT_AES_KEY",
                "mode": account.mode,
                "api_base": platforms,
            },
            DINGTALK: {
                "kind": "dingtalk",
                "client_id": app.client_id,
                "client_secret_env": "DINGTALK_CLIENT_SECRET",
                "robot_code": app.robot_code,
                "receive": "http",
                "api_base": platforms,
                "oapi_base": platforms,
                "session_hosts": [platforms],
            },
        },
    }
    secrets = {
        "WECHAT_APP_SECRET": account.app_secret,
        "WECHAT_TOKEN": account.token,
        "WECHAT_AES_KEY": account.aes_key,
        "DINGTALK_CLIENT_SECRET": app.client_secret,
    }
    return parse(document, secrets, folder)
