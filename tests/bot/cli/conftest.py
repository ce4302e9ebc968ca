"""The `guanxi` command as its own process, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CONFIG = '[database]\nurl = "sqlite://crm.db"\ndurability = "process"\n[core]\ndata_dir = "store"\n'
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


@pytest.fixture
def guanxi(folder: Path) -> Run:
    """Run a command; `status` is what it must end with."""

    def run(*arguments: str, status: int = 0, config: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GUANXI_")}
        found = subprocess.run(
            [sys.executable, "-m", "bot", *(["--config", config] if config else []), *arguments],
            cwd=folder,
            env={
                **clean,
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
                "NO_COLOR": "1",
                "COLUMNS": "200",
                **environ,
            },
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=50,
        )
        assert found.returncode == status, (arguments, found.stdout, found.stderr)
        assert "Traceback" not in found.stderr, found.stderr
        return found

    return run


def last_line(found: subprocess.CompletedProcess[str]) -> str:
    return found.stdout.rstrip("\n").split("\n")[-1]
