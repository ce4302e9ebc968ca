"""The whole product in the test's process: real channels against the simulator, the real database, every loop running."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.app import App
from bot.config import Settings, parse
from bot.simulator import Simulator
from crm_core.access import Role
from crm_core.clock import Clock
from crm_core.db import Database
from crm_core.employees import Employee
from tests.factories import make_employee

CARD_SECRET = "cardSecretOfTheHouse"
ROBOT_TOKEN, ROBOT_SECRET = "token-of-the-robot", "SECofTheRobot"


class House:
    """A started product and the platforms around it."""

    def __init__(self, database: Database, folder: Path, *, clock: Clock | None = None, **overrides: Any) -> None:
        self.simulator = Simulator()
        self.simulator.options.dingtalk_qps = None
        self._database = database
        self._folder = folder
        self._clock = clock
        self._overrides = overrides
        self.app: App

    async def start(self) -> "House":
        await self.simulator.start()
        await self.restart()
        return self

    async def restart(self) -> None:
        """Start the product on the same database, as after a crash."""
        settings = settings_for(self.simulator, self._folder, **self._overrides)
        self.app = App(replace(settings, database=self._database.settings), db=self._database, clock=self._clock)
        await self.app.start()
        port = self.app.port
        self.simulator.wechat.callback_url = f"http://127.0.0.1:{port}/hook/wechat"
        self.simulator.dingtalk.callback_url = f"http://127.0.0.1:{port}/hook/dingtalk"
        self.simulator.wecom.callback_url = f"http://127.0.0.1:{port}/hook/wecom"
        self.simulator.kf.callback_url = f"http://127.0.0.1:{port}/hook/kf"

    async def stop(self) -> None:
        await self.app.stop()
        await self.simulator.stop()

    async def employee(self, name: str = "小王", role: Role = Role.SALES, **values: object) -> Employee:
        """An employee with an account DingTalk knows."""
        self.simulator.dingtalk.add_staff(f"staff-{name}", name)
        return await make_employee(self.app.core, name, role, staff_id=f"staff-{name}", **values)


def settings_for(simulator: Simulator, folder: Path, **overrides: Any) -> Settings:
    """Settings of a product that lives among simulated platforms.

    `kf=True` adds the customer-service account; `wecom={...}` the application of WeCom with these settings changed.
    """
    corp, with_kf, wecom = simulator.wecom.corp, overrides.pop("kf", False), overrides.pop("wecom", None)
    wechat, dingtalk = simulator.wechat.account, simulator.dingtalk.app
    document: dict[str, Any] = {
        "server": {"port": 0, "public_url": "http://127.0.0.1", **overrides.pop("server", {})},
        "channels": {
            "wechat": {
                "kind": "wechat_oa",
                "app_id": wechat.app_id,
                "original_id": wechat.original_id,
                "app_secret_env": "WECHAT_SECRET",
                "token_env": "WECHAT_TOKEN",
                "aes_key_env": "WECHAT_AES_KEY",
                "mode": wechat.mode,
                "api_base": simulator.base_url,
                **overrides.pop("wechat", {}),
            },
            "dingtalk": {
                "kind": "dingtalk",
                "client_id": dingtalk.client_id,
                "client_secret_env": "DINGTALK_SECRET",
                "robot_code": dingtalk.robot_code,
                "event_token_env": "DINGTALK_EVENT_TOKEN",
                "event_aes_key_env": "DINGTALK_EVENT_AES_KEY",
                "api_base": simulator.base_url,
                "oapi_base": simulator.base_url,
                "session_hosts": [simulator.base_url],
                **overrides.pop("dingtalk", {}),
            },
        },
        **overrides,
    }
    if wecom is not None:
        document["channels"]["wecom"] = {
            "kind": "wecom",
            "corp_id": corp.corp_id,
            "agent_id": corp.agent_id,
            "secret_env": "WECOM_SECRET",
            "contact_secret_env": "WECOM_CONTACT_SECRET",
            "token_env": "WECOM_TOKEN",
            "aes_key_env": "WECOM_AES_KEY",
            "api_base": simulator.wecom_api_base,
            **wecom,
        }
    if with_kf:
        document["channels"]["kf"] = {
            "kind": "wecom_kf",
            "corp_id": corp.corp_id,
            "secret_env": "KF_SECRET",
            "token_env": "KF_TOKEN",
            "aes_key_env": "KF_AES_KEY",
            "open_kfid": corp.open_kfid,
            "api_base": f"{simulator.base_url}/wecom",
            "poll_every": "5s",
        }
    environ = {
        "DINGTALK_CARD_SECRET": CARD_SECRET,
        "DINGTALK_ROBOT_URL": f"{simulator.base_url}/robot/send?access_token={ROBOT_TOKEN}",
        "DINGTALK_ROBOT_SECRET": ROBOT_SECRET,
        "WECOM_SECRET": corp.secret,
        "WECOM_CONTACT_SECRET": corp.contact_secret,
        "WECOM_TOKEN": corp.token,
        "WECOM_AES_KEY": corp.aes_key,
        "KF_SECRET": corp.kf_secret,
        "KF_TOKEN": corp.kf_token,
        "KF_AES_KEY": corp.kf_aes_key,
        "WECHAT_SECRET": wechat.app_secret,
        "WECHAT_TOKEN": wechat.token,
        "WECHAT_AES_KEY": wechat.aes_key,
        "DINGTALK_SECRET": dingtalk.client_secret,
        "DINGTALK_EVENT_TOKEN": dingtalk.event_token,
        "DINGTALK_EVENT_AES_KEY": dingtalk.event_aes_key,
    }
    return parse(document, environ, folder)
