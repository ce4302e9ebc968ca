"""The `guanxi` command in a process of its own and a folder of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CONFIG = '[database]\nurl = "sqlite://crm.db"\ndurability = "process"\n[core]\ndata_dir = "store"\n'


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def last(self) -> str:
        """The last line of the standard output: the thing made."""
        return self.stdout.rstrip("\n").split("\n")[-1]


Run = Callable[..., Ended]


def clean_environ() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GUANXI_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200", "TERM": "dumb"}


@pytest.fixture(scope="session")
def driver() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, str(Path(__file__).with_name("driver.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=clean_environ()
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=20)


def ask(driver: "subprocess.Popen[str]", folder: Path, arguments: tuple[str, ...], environ: dict[str, str]) -> Ended:
    assert driver.stdin is not None
    assert driver.stdout is not None
    driver.stdin.write(json.dumps({"folder": str(folder), "arguments": arguments, "environ": environ}) + "\n")
    driver.stdin.flush()
    return Ended(**json.loads(driver.stdout.readline()))


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory, driver: "subprocess.Popen[str]") -> Path:
    made = tmp_path_factory.mktemp("cli")
    (made / "config.toml").write_text(CONFIG, encoding="utf-8")
    assert ask(driver, made, ("migrate",), {}).status == 0
    return made / "crm.db"


@pytest.fixture
def empty_folder(tmp_path: Path) -> Path:
    """A folder with settings and nothing else."""
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


@pytest.fixture
def folder(empty_folder: Path, _migrated: Path) -> Path:
    """A folder with settings and an empty database."""
    shutil.copy(_migrated, empty_folder / "crm.db")
    return empty_folder


@pytest.fixture
def guanxi(driver: "subprocess.Popen[str]", empty_folder: Path) -> Run:
    """Run a command; `status` is what it must end with."""

    def run(*arguments: str, status: int = 0, config: str | None = None, **environ: str) -> Ended:
        chosen = ("--config", config, *arguments) if config else arguments
        found = ask(driver, empty_folder, chosen, environ)
        assert "Traceback" not in found.stderr, found.stderr
        assert found.status == status, found
        return found

    return run


@pytest.fixture
def process(empty_folder: Path) -> Run:
    """Run a command as a process of its own, from its start to its end."""

    def run(*arguments: str, status: int = 0, **environ: str) -> Ended:
        found = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=empty_folder,
            env={**clean_environ(), **environ},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=50,
        )
        assert "Traceback" not in found.stderr, found.stderr
        assert found.returncode == status, found
        return Ended(found.returncode, found.stdout, found.stderr)

    return run
