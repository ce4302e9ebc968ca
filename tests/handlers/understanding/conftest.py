"""A sentence's meaning in one call, at the moment most of the contract's examples use."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from crm_core.clock import SHANGHAI
from handlers.understanding.parse import Meaning, parse

WEDNESDAY = datetime(2026, 11, 25, 10, 0, tzinfo=SHANGHAI)
KNOWN = ("张伟", "李娜", "王总=王建国", "恒信集团")


@pytest.fixture
def now() -> datetime:
    return WEDNESDAY


@pytest.fixture
def understand() -> Callable[..., Meaning]:
    def run(text: str, at: datetime = WEDNESDAY, known: tuple[str, ...] = KNOWN) -> Meaning:
        return parse(text, at, known)

    return run


@pytest.fixture
def cases() -> Callable[[str], list[dict]]:
    def load(name: str) -> list[dict]:
        lines = Path(__file__).with_name("cases").joinpath(f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    return load
