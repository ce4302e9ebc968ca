"""Logs: one JSON object a line, numbered, and nothing personal in it."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot import logs
from bot.settings import LogSettings
from bot.settings_values import Size

PERSONAL = [
    "13800138000",
    "+86 138-0013-8000",
    "8613800138000",
    "oABCDEFGHIJKLMNOPQRSTUVWXYZ1",
    "zhang.wei@example.cn",
    "https://api.weixin.qq.com/cgi-bin/message?access_token=72_abcDEF&x=1",
    "Authorization: Bearer EPkyAhSKyqXxMkF9JRv9RcP-5G-kxz4qbecN8aLt2Uk",
    '{"secret": "s3cr3tvalue", "touser": "oABC"}',
]
TRACES = ("0013", "oABCDEF", "zhang", "72_abc", "EPky", "s3cr3t")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged, and everything as it was afterwards."""
    stream, root = io.StringIO(), logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.configure(stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    for name in ("bot", "handlers", "campaigns", "scheduler", "crm_core"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_number(written: io.StringIO) -> None:
    with logs.numbered() as number:
        structlog.get_logger("bot.gateway").info("claim", lead_id=7, note="中文")
    structlog.get_logger("bot.gateway").debug("too much")
    (line,) = lines(written)
    assert (line["event"], line["lead_id"], line["number"], line["level"]) == ("claim", 7, number, "info")
    assert line["logger"] == "bot.gateway"
    assert line["at"].endswith("Z")
    assert "中文" in written.getvalue()


def test_other_libraries_are_heard_when_they_warn(written: io.StringIO) -> None:
    for name in ("apscheduler.scheduler", "aiohttp.access", "tortoise"):
        logging.getLogger(name).info("every step")
        logging.getLogger(name).warning("trouble")
    assert [line["event"] for line in lines(written)] == ["trouble"] * 3


@pytest.mark.parametrize("value", PERSONAL)
def test_the_net_catches_personal_data_wherever_it_stands(written: io.StringIO, value: str) -> None:
    log = structlog.get_logger("bot.x")
    log.warning("refused", why=value)
    log.warning("refused", deep={"list": [value, {"inner": value}]})
    log.warning(value)
    logging.getLogger("some.library").warning("said %s", value)
    try:
        raise RuntimeError(value)
    except RuntimeError:
        log.exception("failed")
    assert len(lines(written)) == 5
    assert not [trace for trace in TRACES if trace in written.getvalue()]


@pytest.mark.parametrize("key", ["text", "openid", "mobile", "body", "nickname", "external_id"])
def test_fields_that_are_personal_by_name_are_hidden(written: io.StringIO, key: str) -> None:
    structlog.get_logger("bot.x").info("received", **{key: "张伟"}, channel="wechat")
    assert lines(written)[0][key] == "***"
    assert lines(written)[0]["channel"] == "wechat"


def test_numbers_and_times_of_our_own_stay(written: io.StringIO) -> None:
    structlog.get_logger("bot.x").info(
        "sent", message_id=1234567890123, seconds=0.25, due="2026-11-25T02:00:00+00:00", ok=True, n=13800138000
    )
    line = lines(written)[0]
    assert (line["message_id"], line["seconds"], line["ok"]) == (1234567890123, 0.25, True)
    assert line["due"] == "2026-11-25T02:00:00+00:00"
    assert line["n"] == "138****8000"


@pytest.mark.usefixtures("written")
def test_file_is_cut_when_it_is_full_and_is_private(tmp_path: Path) -> None:
    stream = io.StringIO()
    settings = LogSettings(file="logs/guanxi.log", size=Size(4000), count=2)
    logs.configure(stream=stream, settings=settings, folder=tmp_path)
    for number in range(200):
        structlog.get_logger("bot.x").info("claim", lead_id=number, phone="13800138000", note="张")
    logs.configure(stream=stream)  # closes the file
    files = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert files == ["guanxi.log", "guanxi.log.1", "guanxi.log.2"]
    for path in (tmp_path / "logs").iterdir():
        assert path.stat().st_size <= 4000
        assert path.stat().st_mode & 0o077 == 0
        for line in path.read_text(encoding="utf-8").splitlines():
            assert json.loads(line)["phone"] == "***"
    newest = (tmp_path / "logs" / "guanxi.log").read_text(encoding="utf-8").splitlines()
    assert json.loads(newest[-1])["lead_id"] == 199
    assert len(lines(stream)) == 200


async def test_each_request_has_a_number_of_its_own(written: io.StringIO) -> None:
    async def answer(_request: web.Request) -> web.Response:
        structlog.get_logger("bot.x").info("seen")
        return web.Response()

    app = web.Application(middlewares=[logs.number_requests])
    app.router.add_get("/", answer)
    client: TestClient[Any, Any]
    async with TestClient(TestServer(app)) as client:
        for _ in range(2):
            async with client.get("/"):
                pass
    numbers = {line["number"] for line in lines(written)}
    assert len(numbers) == 2
    assert all(len(number) == 4 for number in numbers)


async def test_a_request_nobody_can_read_leaves_nothing_of_itself(written: io.StringIO) -> None:
    """aiohttp writes the bytes of such a request into its log: a token in an address would stand there."""
    client: TestClient[Any, Any]
    async with (
        TestClient(TestServer(web.Application())) as client,
        client.get("/", params={"geheim": "x" * 9000}) as response,
    ):
        assert response.status == 400
    assert "unreadable_request" in written.getvalue()
    assert "geheim" not in written.getvalue()
