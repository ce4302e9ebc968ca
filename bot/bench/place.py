"""A place to measure in: a folder with settings and secrets, a filled database, simulators, and the product itself.

The product is a real `guanxi serve` in a process of its own, on a free port, with durability "power".
"""

import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot.simulator import DingTalkApp, WeChatAccount, WeComCorp

PORTS = (20_000, 32_000)
START_SECONDS = 30.0
STOP_SECONDS = 10.0
SECRETS = {
    "BENCH_WECHAT_SECRET": WeChatAccount().app_secret,
    "BENCH_WECHAT_TOKEN": WeChatAccount().token,
    "BENCH_WECHAT_AES_KEY": WeChatAccount().aes_key,
    "BENCH_DINGTALK_SECRET": DingTalkApp().client_secret,
    "BENCH_WECOM_SECRET": WeComCorp().secret,
    "BENCH_WECOM_TOKEN": WeComCorp().token,
    "BENCH_WECOM_AES_KEY": WeComCorp().aes_key,
    "BENCH_KF_SECRET": WeComCorp().kf_secret,
    "BENCH_KF_TOKEN": WeComCorp().kf_token,
    "BENCH_KF_AES_KEY": WeComCorp().kf_aes_key,
}


def free_port() -> int:
    """Find a port nobody listens on.

    Below those the system gives to outgoing connections: a client that asks again and again for a server that is just
    being started would else end up connected to itself, and the server could not have its port.
    """
    while True:
        port = random.randint(*PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@dataclass
class Running:
    """A process that was started here."""

    process: asyncio.subprocess.Process
    port: int

    @property
    def memory_bytes(self) -> int:
        """Tell what it holds in memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """Ask it to end, and give its exit status; it is killed when it does not."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS + 5):
                return await self.process.wait()
        except TimeoutError:
            await self.kill()
            return -signal.SIGKILL


async def start_yardstick(name: str, *arguments: str) -> Running:
    """Start a yardstick that serves; it prints its port."""
    command = (sys.executable, "-m", f"bot.bench.yardsticks.{name}", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    return Running(process, int(await _first_line(process)))


async def start_platform(crowd: int, *, keep: bool = False) -> Running:
    """Start the platforms on loopback, with so many followers; `keep` keeps their chats and not only counts."""
    arguments = (str(crowd), "--keep") if keep else (str(crowd),)
    command = (sys.executable, "-m", "bot.bench.platform", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    described = json.loads(await _first_line(process))
    return Running(process, int(described["base_url"].rsplit(":", 1)[1]))


async def ask(url: str, body: object = None, *, token: str = "", key: str = "") -> Any:
    """Post JSON (or get, without a body) and give the JSON that comes back. Raises: RuntimeError for a refusal.

    `key` lets the same thing be made once.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Idempotency-Key": key} if key else {}
    method = "GET" if body is None else "POST"
    async with aiohttp.ClientSession(headers=headers) as session, session.request(method, url, json=body) as response:
        if response.status >= 300:
            raise RuntimeError(f"{method} {url}: {response.status} {await response.text()}")
        return await response.json(content_type=None)


async def _first_line(process: asyncio.subprocess.Process) -> bytes:
    if process.stdout is None:
        raise RuntimeError("no standard output")
    async with asyncio.timeout(START_SECONDS):
        return await process.stdout.readline()


@dataclass
class Place:
    """A folder the product lives in. `extra` is more settings, section by section."""

    folder: Path
    simulator_port: int = 9
    port: int = field(default_factory=free_port)
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    server: str = ""
    """The address of a database on a server; empty: an embedded one in the folder."""

    @property
    def database(self) -> Path:
        """The database file."""
        return self.folder / "guanxi.db"

    @property
    def database_url(self) -> str:
        """The address of the database, wherever it is."""
        return self.server or f"sqlite://{self.database}"

    def settings(self) -> dict[str, dict[str, Any]]:
        """Give all settings as the document of a settings file."""
        base = f"http://127.0.0.1:{self.simulator_port}"
        wechat, dingtalk = WeChatAccount(), DingTalkApp()
        document: dict[str, dict[str, Any]] = {
            "core": {"data_dir": str(self.folder / "data")},
            "server": {"port": self.port, "public_url": f"http://127.0.0.1:{self.port}"},
            "database": {"url": self.database_url, "durability": "power"},
            "campaigns": {"quiet_from": "00:00", "quiet_until": "00:00"},
            "answers": {"keywords": [{"words": ["价格", "多少钱"], "answer": "客户经理会尽快报价。"}]},
            "channels.wechat": {
                "kind": "wechat_oa",
                "app_id": wechat.app_id,
                "original_id": wechat.original_id,
                "app_secret_env": "BENCH_WECHAT_SECRET",
                "token_env": "BENCH_WECHAT_TOKEN",
                "aes_key_env": "BENCH_WECHAT_AES_KEY",
                "mode": "safe",
                "api_base": base,
            },
            "channels.dingtalk": {
                "kind": "dingtalk",
                "client_id": dingtalk.client_id,
                "client_secret_env": "BENCH_DINGTALK_SECRET",
                "robot_code": dingtalk.robot_code,
                "api_base": base,
                "oapi_base": base,
                "session_hosts": [base],
            },
        }
        for section, table in self.extra.items():
            document[section] = document.get(section, {}) | dict(table)
        return document

    def write_settings(self) -> Path:
        """Write the settings file."""
        path = self.folder / "config.toml"
        path.write_text(_toml(self.settings()), encoding="utf-8")
        return path

    def command(self, *words: str) -> tuple[str, ...]:
        """Give a command line of the product with the settings of this place."""
        return (sys.executable, "-m", "bot", "--config", str(self.write_settings()), *words)

    async def run(self, *words: str) -> str:
        """Run a command of the product to its end and give the last line it wrote."""
        environment = {**os.environ, **SECRETS, **self.environment}
        process = await asyncio.create_subprocess_exec(
            *self.command(*words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment
        )
        out, error = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"{words} ended with {process.returncode}: {error.decode()}")
        return out.decode().rstrip().rpartition("\n")[2]

    async def serve(self, *, command: Sequence[str] = (), wait: bool = True) -> Running:
        """Start the product, and wait until it is ready."""
        environment = {**os.environ, **SECRETS, **self.environment}
        words = command or self.command("serve")
        with (self.folder / "serve.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(*words, stdout=log, stderr=log, env=environment)
        running = Running(process, self.port)
        if wait:
            await self.wait_ready(running)
        return running

    async def wait_ready(self, running: Running) -> None:
        """Wait until the product says that it is ready. Raises: RuntimeError when it ends instead."""
        url = f"http://127.0.0.1:{self.port}/health/ready"
        async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as session:
            while running.process.returncode is None:
                try:
                    async with session.get(url) as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.01)
        raise RuntimeError(f"serve ended with {running.process.returncode}; see {self.folder / 'serve.log'}")


def _toml(document: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for section, table in document.items():
        lines += [f"[{section}]", *(f"{key} = {_value(value)}" for key, value in table.items()), ""]
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
