"""Promise 1 again for WeCom and DingTalk: what people of the house say, and what customers say to WeCom's customer service.

Beside Y3 as for customers, although a member's sentence passes through a command of its own.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.bench.figures import Figure
from bot.bench.filling import Town, build
from bot.bench.load import Job, Seen, openid_of, run_load
from bot.bench.place import Place, ask, start_platform
from bot.bench.rows_gateway import FAR, WARM_UP, measure_yardstick
from bot.simulator import WeComCorp

MEMBERS = 200
WORDS = "帮助"
"""A command whose answer follows from the speaker alone: recorded and answered in one transaction, as a customer's words."""
LOOKED = "公海"
"""A command that reads rows: recorded first, then worked on. Stands beside, for what is measured is mostly its reading."""
ASKED = "多少钱一台"
KF_LONGEST_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.05


def wecom_settings(port: int) -> dict[str, Any]:
    """Give the settings of the simulated application."""
    corp = WeComCorp()
    return {
        "kind": "wecom",
        "corp_id": corp.corp_id,
        "agent_id": corp.agent_id,
        "secret_env": "BENCH_WECOM_SECRET",
        "token_env": "BENCH_WECOM_TOKEN",
        "aes_key_env": "BENCH_WECOM_AES_KEY",
        "api_base": f"http://127.0.0.1:{port}/wecom",
    }


def kf_settings(port: int) -> dict[str, Any]:
    """Give the settings of the simulated customer-service account."""
    corp = WeComCorp()
    return {
        "kind": "wecom_kf",
        "corp_id": corp.corp_id,
        "open_kfid": corp.open_kfid,
        "secret_env": "BENCH_KF_SECRET",
        "token_env": "BENCH_KF_TOKEN",
        "aes_key_env": "BENCH_KF_AES_KEY",
        "api_base": f"http://127.0.0.1:{port}/wecom",
    }


async def wecom(quick: bool) -> list[Figure]:
    """Measure promise 1 for a member of WeCom: the same sealed XML as an Official Account's."""
    return await _members("wecom", quick)


async def dingtalk(quick: bool) -> list[Figure]:
    """Measure promise 1 for an employee in DingTalk, over HTTP; beside the same Y3, which has to decrypt."""
    return await _members("dingtalk", quick)


async def _members(channel: str, quick: bool) -> list[Figure]:
    count, turns = (2_000, 2) if quick else (8_000, 3)
    mine: list[Seen] = []
    bare: list[Seen] = []
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        platform = await start_platform(1)
        extra = {"channels.wecom": wecom_settings(platform.port)} if channel == "wecom" else {}
        place = Place(Path(folder), simulator_port=platform.port, extra=extra)
        await build(place.database, Town(2_000, history=20_000, staff=MEMBERS, staff_channel=channel))
        product = await place.serve()
        base = f"http://127.0.0.1:{platform.port}"
        job = Job(product.port, channel, count=WARM_UP, people=MEMBERS, words=WORDS, base_url=base, first_message=FAR)
        try:
            await run_load(job)
            for turn in range(turns):
                mine.append(await run_load(replace(job, count=count, first_message=turn * count)))
                bare.append(await measure_yardstick("durable_gateway", Job(0, count=count), f"{folder}/y3-{turn}.db"))
            looked = await run_load(replace(job, count=count // 4, first_message=turns * count, words=LOOKED))
        finally:
            await product.stop()
            await platform.kill()
        answered = _count_answered(place.database, channel)
    good = answered == WARM_UP + count * turns + count // 4
    return [*_figures(channel, mine, bare, good=good), _beside(channel, looked, bare)]


def _beside(channel: str, product: Seen, yardstick: list[Seen]) -> Figure:
    theirs = max(seen.rate for seen in yardstick)
    what = f"the same for a command that reads rows ({LOOKED}; Y3)"
    return Figure(f"1 {channel}", what, f"{product.rate:.0f}", f"{theirs:.0f}", f"{product.rate / theirs:.2f}")


def _count_answered(path: Path, channel: str) -> int:
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT count(*) FROM messages WHERE channel = ? AND direction = 'out' AND status = 'answered'"
        return int(database.execute(query, (channel,)).fetchone()[0])


def _figures(channel: str, product: list[Seen], yardstick: list[Seen], *, good: bool) -> list[Figure]:
    mine, theirs = max(product, key=lambda seen: seen.rate), max(yardstick, key=lambda seen: seen.rate)
    ratio, row = mine.rate / theirs.rate, f"1 {channel}"
    what = f"members' messages answered a second, 50 connections ({WORDS}; Y3)"
    slow = mine.p99 / theirs.p99
    return [
        Figure(row, what, f"{mine.rate:.0f}", f"{theirs.rate:.0f}", f"{ratio:.2f}", ">= 0.5", good and ratio >= 0.5),
        Figure(row, "p99 (Y3)", f"{mine.p99:.1f} ms", f"{theirs.p99:.1f} ms", f"{slow:.2f}", "<= 3", good and slow <= 3),
    ]


async def customer_service(quick: bool) -> list[Figure]:
    """Measure how fast a backlog of customers is pulled, recorded, answered and sent to."""
    count = 2_000 if quick else 8_000
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        platform = await start_platform(1)
        place = Place(Path(folder), simulator_port=platform.port, extra={"channels.kf": kf_settings(platform.port)})
        await build(place.database, Town(count, history=20_000, channel="kf"))
        product = await place.serve()
        base = f"http://127.0.0.1:{platform.port}/_sim"
        try:
            await ask(f"{base}/kf/configure", {"callback_url": f"http://127.0.0.1:{place.port}/hook/kf"})
            await ask(f"{base}/kf/say", {"person": openid_of(count), "text": ASKED})
            await _wait_received(base, 1)
            people = [openid_of(number) for number in range(count)]
            begun = time.monotonic()
            await ask(f"{base}/kf/crowd", {"people": people, "text": ASKED})
            seen = await _wait_received(base, 1 + count)
            took = time.monotonic() - begun
        finally:
            await product.stop()
            await platform.kill()
    good = seen["count"] == 1 + count and not seen["doubles"]
    what = f"customers' messages pulled, recorded, answered and sent a second, backlog of {count}"
    return [Figure("1 kf", what, f"{count / took:.0f}", promise="each once", held=good)]


async def _wait_received(base: str, count: int) -> Mapping[str, Any]:
    until = time.monotonic() + KF_LONGEST_SECONDS
    while True:
        seen: Mapping[str, Any] = await ask(f"{base}/received", {"platform": "wecom_kf"})
        if seen["count"] >= count or time.monotonic() > until:
            return seen
        await asyncio.sleep(LOOK_EVERY_SECONDS)
