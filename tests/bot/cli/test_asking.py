"""What is asked before something that cannot be undone, at a terminal and without one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Ended, clean_environ
from tests.bot.cli.test_people import ROWS, insert, left

Erase = Callable[..., Ended]


@pytest.fixture
def erase(folder: Path) -> Erase:
    """Run `erase` as another program would, with its own standard input."""
    insert(folder / "crm.db", ROWS)

    def run(*more: str, **given: object) -> Ended:
        command = [sys.executable, "-m", "bot", "erase", "--person", "1", *more]
        found = subprocess.run(
            command, cwd=folder, env=clean_environ(), capture_output=True, encoding="utf-8", timeout=50, **given
        )
        return Ended(found.returncode, found.stdout, found.stderr)

    return run


def is_there(folder: Path) -> bool:
    return left(folder / "crm.db", "SELECT count(*) FROM leads WHERE id = 1") == [1]


@pytest.mark.parametrize("word", ["n\n", "no", "NO\n", " 否 \n"])
def test_a_piped_no_is_heard(erase: Erase, folder: Path, word: str) -> None:
    ended = erase(input=word)
    assert (ended.status, ended.stdout) == (1, "")
    assert "没有删除任何内容" in ended.stderr
    assert is_there(folder)


@pytest.mark.parametrize("word", ["", "\n", "y\n", "是\n"])
def test_a_program_gets_its_receipt(erase: Erase, folder: Path, word: str) -> None:
    ended = erase(input=word)
    assert json.loads(ended.stdout)["person_id"] == 1
    assert not is_there(folder)


def test_a_list_meant_for_somebody_else_is_no_yes(erase: Erase, folder: Path) -> None:
    ended = erase(input="8\n9\n")
    assert ended.status == 2
    assert "--yes" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert is_there(folder)
    assert erase("--yes", input="8\n9\n").status == 0


def test_a_pipe_nobody_writes_into_keeps_nobody_waiting(erase: Erase, folder: Path) -> None:
    reading, writing = os.pipe()
    try:
        assert erase(stdin=reading).status == 0
    finally:
        os.close(reading)
        os.close(writing)
    assert not is_there(folder)


def test_a_person_at_a_terminal_is_asked(erase: Erase, folder: Path) -> None:
    ours, theirs = os.openpty()
    try:
        os.write(ours, b"n\n")
        ended = erase(stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert "继续" in ended.stderr
    assert ended.stdout.strip() == ""
    assert ended.status == 1
    assert is_there(folder)
