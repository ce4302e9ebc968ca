"""Promises 1 to 5: how fast callbacks are answered, how often, and what happens when too many come."""

import asyncio
import re
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from bot.bench.figures import Figure
from bot.bench.filling import EMPLOYEES, fill
from bot.bench.load import FIRST_MESSAGE_ID, Job, Seen, run_load
from bot.bench.place import Place, Running, ask, start_platform, start_yardstick
from bot.simulator import WeChatAccount
from bot.simulator.wechat_oa.documents import envelope_of

PEOPLE = 2_000
HISTORY = 20_000
WARM_UP = 500
FAR = 50_000_000
"""First message number of warm-ups, so that they never repeat a measured one."""
CROWDED = 3_000
"""Connections of an overload: three times what the product works on at once."""
MIB = 1024 * 1024
_SEALED = re.compile(r"<Encrypt><!\[CDATA\[(.*?)\]\]>")
_CONTENT = re.compile(r"<Content><!\[CDATA\[(.*?)\]\]></Content>", re.DOTALL)


@asynccontextmanager
async def served(*, people: int = PEOPLE) -> AsyncIterator[tuple[Place, Running, Running]]:
    """Give a filled place, the product serving it, and the platforms it talks to."""
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        platform = await start_platform(people)
        place = Place(Path(folder), simulator_port=platform.port)
        await fill(place.database, people, history=HISTORY)
        product = await place.serve()
        try:
            await run_load(Job(product.port, count=WARM_UP, first_message=FAR))
            yield place, product, platform
        finally:
            await product.stop()
            await platform.kill()


async def measure_yardstick(name: str, job: Job, *arguments: str) -> Seen:
    """Give a yardstick the same load."""
    running = await start_yardstick(name, *arguments)
    try:
        await run_load(Job(running.port, count=min(WARM_UP, job.count), first_message=FAR))
        return await run_load(Job(running.port, count=job.count, connections=job.connections))
    finally:
        await running.kill()


async def throughput(quick: bool) -> list[Figure]:
    """Measure promise 1; product and Y3 take turns, so that a busy moment of the machine hits both."""
    count = 4_000 if quick else 12_000
    product: list[Seen] = []
    bare: list[Seen] = []
    async with served() as (place, running, _):
        for turn in range(2 if quick else 3):
            product.append(await run_load(Job(running.port, count=count, first_message=turn * count)))
            bare.append(await measure_yardstick("durable_gateway", Job(0, count=count), str(place.folder / f"y3-{turn}.db")))
    mine, theirs = max(product, key=lambda seen: seen.rate), max(bare, key=lambda seen: seen.rate)
    ratio = mine.rate / theirs.rate
    figures = [
        Figure(
            "1",
            "callbacks a second, 50 connections (Y3)",
            f"{mine.rate:.0f}",
            f"{theirs.rate:.0f}",
            f"{ratio:.2f}",
            ">= 0.5",
            ratio >= 0.5,
        ),
        Figure(
            "1",
            "p99 (Y3)",
            f"{mine.p99:.1f} ms",
            f"{theirs.p99:.1f} ms",
            f"{mine.p99 / theirs.p99:.2f}",
            "<= 3",
            mine.p99 <= 3 * theirs.p99,
        ),
    ]
    for name, label in (("echo_werobot", "WeRoBot echo"), ("echo_wechatpy", "werkzeug + wechatpy echo")):
        echo = await measure_yardstick(name, Job(0, count=1_000 if quick else 3_000))
        figures.append(
            Figure(
                "1",
                f"callbacks a second (W: {label})",
                f"{mine.rate:.0f}",
                f"{echo.rate:.0f}",
                f"{mine.rate / echo.rate:.1f}",
                "> 1",
                mine.rate > echo.rate,
            )
        )
    return figures


async def latency(quick: bool) -> list[Figure]:
    """Measure promise 2: answers at 500 a second, or at 0.3 of what the product can do if that is less."""
    async with served() as (_, running, _):
        most = await run_load(Job(running.port, count=4_000, first_message=FAR + 10_000))
        rate = min(500.0, 0.3 * most.rate)
        seen = await run_load(Job(running.port, count=int(rate * (8 if quick else 20)), rate=rate, connections=100))
    what = f"at {rate:.0f} callbacks/s"
    good = seen.acknowledged == sum(seen.statuses.values())
    return [
        Figure("2", f"p50 {what}", f"{seen.p50:.1f} ms", promise="<= 5 ms", held=good and seen.p50 <= 5),
        Figure("2", f"p99 {what}", f"{seen.p99:.1f} ms", promise="<= 25 ms", held=good and seen.p99 <= 25),
    ]


async def slow_handler(quick: bool) -> list[Figure]:
    """Measure promise 3: fifty employees at once ask what takes 30 s."""
    seconds = 8.0 if quick else 30.0
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        platform = await start_platform(1, keep=True)
        place = Place(Path(folder), simulator_port=platform.port)
        await fill(place.database, 100)
        config = str(place.write_settings())
        product = await place.serve(command=(sys.executable, "-m", "bot.bench.slow_serve", config, str(seconds)))
        base = f"http://127.0.0.1:{platform.port}/_sim"
        try:
            await ask(f"{base}/configure", {"dingtalk": {"callback_url": f"http://127.0.0.1:{place.port}/hook/dingtalk"}})
            started = asyncio.get_running_loop().time()
            calls = [ask(f"{base}/dingtalk/say", {"staff_id": f"staff{n + 1}", "text": "帮助 慢"}) for n in range(EMPLOYEES)]
            took, answers = [], []
            for call in asyncio.as_completed(calls):
                answers.append(await call)
                took.append(asyncio.get_running_loop().time() - started)
            await asyncio.sleep(seconds - max(took) + 4)
            seen = await ask(f"{base}/received", {"platform": "dingtalk"})
        finally:
            await product.stop()
            await platform.kill()
    answered = all(answer["status"] == 200 for answer in answers)
    once = seen["count"] == EMPLOYEES and not seen["doubles"]
    return [
        Figure(
            "3",
            f"a handler of {seconds:.0f} s: callback answered",
            f"{max(took):.2f} s",
            promise="<= 4.0 s",
            held=answered and max(took) <= 4,
        ),
        Figure("3", "its results sent, each once, later", f"{seen['count']} of {EMPLOYEES}", promise="each once", held=once),
    ]


async def repeats(quick: bool) -> list[Figure]:
    """Measure promise 4: each message delivered three times at once."""
    count = 2_000 if quick else 10_000
    async with served() as (place, running, _):
        seen = await run_load(Job(running.port, count=count, copies=3, keep_bodies=True))
        await asyncio.sleep(0.5)
        rows, done, replies, notices = count_effects(place.database)
    uneven = sum(1 for bodies in seen.bodies if len(bodies) != 3 or len({text for text in map(read_reply, bodies) if text}) > 1)
    good = (rows, done, replies, notices) == (count,) * 4
    return [
        Figure(
            "4",
            f"rows and runs for {count} messages x 3",
            f"{rows} rows, {done} done, {replies} replies",
            promise="one each",
            held=good,
        ),
        Figure("4", "messages whose repeats got another reply", str(uneven), promise="0", held=uneven == 0),
    ]


def count_effects(path: Path) -> tuple[int, int, int, int]:
    """Count the rows of measured messages, those that are done, their replies and the notices to owners."""
    measured = "SELECT id FROM messages WHERE key LIKE 'wechat_mp:%' AND CAST(external_id AS INTEGER) < ?"
    queries = (
        f"SELECT count(*) FROM ({measured})",  # noqa: S608 - our own words, here and below
        f"SELECT count(*) FROM messages WHERE status = 'done' AND id IN ({measured})",  # noqa: S608
        f"SELECT count(*) FROM messages WHERE direction = 'out' AND reply_to_id IN ({measured})",  # noqa: S608
        f"SELECT count(*) FROM messages WHERE key IN (SELECT 'notice:' || id FROM ({measured}))",  # noqa: S608
    )
    with closing(sqlite3.connect(path)) as database:
        one, two, three, four = (database.execute(query, (FIRST_MESSAGE_ID + FAR,)).fetchone()[0] for query in queries)
    return one, two, three, four


def read_reply(body: str) -> str:
    """Give the text of a sealed answer; nothing for an empty acknowledgement."""
    sealed = _SEALED.search(body)
    if sealed is None:
        return "" if body in ("success", "") else body
    found = _CONTENT.search(envelope_of(WeChatAccount()).decrypt(sealed.group(1)).decode())
    return found.group(1) if found else ""


async def _peak_while(running: Running, load: "asyncio.Task[Seen]") -> int:
    peak = running.memory_bytes
    while not load.done():
        peak = max(peak, running.memory_bytes)
        await asyncio.sleep(0.2)
    return peak


async def overload(quick: bool) -> list[Figure]:
    """Measure promise 5: three times as many as the product can take, then a normal load again."""
    seconds = 15 if quick else 60
    async with served() as (_, running, _):
        most = await run_load(Job(running.port, count=6_000, first_message=FAR + 10_000))
        normal = Job(
            running.port, count=int(most.rate * 0.3 * 10), rate=most.rate * 0.3, connections=100, first_message=FAR + 100_000
        )
        before = await run_load(normal)
        start = running.memory_bytes
        rate = most.rate * 3
        crowd = Job(running.port, count=int(rate * seconds), rate=rate, seconds=seconds, connections=CROWDED)
        async with asyncio.TaskGroup() as group:
            load = group.create_task(run_load(crowd))
            peak = await _peak_while(running, load)
        seen = load.result()
        after = await run_load(
            Job(**{name: getattr(normal, name) for name in Job.__slots__} | {"first_message": FAR + 200_000})
        )
    settled = max((row[2] for row in after.each_second[5:]), default=0.0)
    allowed = max(25.0, 2 * before.p99)
    growth = (peak - start) / MIB
    others = {status: number for status, number in seen.statuses.items() if status not in ("200", "503")}
    share = f"{seen.acknowledged / sum(seen.statuses.values()):.0%} acknowledged"
    return [
        Figure(
            "5", f"memory growth, {rate:.0f}/s for {seconds} s", f"{growth:.0f} MiB", promise="<= 64 MiB", held=growth <= 64
        ),
        Figure(
            "5",
            f"slowest answer ({share}, the rest 503)",
            f"{seen.slowest:.0f} ms",
            promise="<= 4000 ms",
            held=seen.slowest <= 4000 and not others,
        ),
        Figure(
            "5",
            "p99 of a normal load 5 s later",
            f"{settled:.1f} ms",
            f"{before.p99:.1f} ms",
            promise=f"<= {allowed:.0f} ms",
            held=settled <= allowed,
        ),
    ]
