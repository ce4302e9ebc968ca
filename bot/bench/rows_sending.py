"""Promise 6: how fast a broadcast leaves, through campaigns, recipients and delivery, with every checkpoint."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from bot.bench.figures import Figure
from bot.bench.filling import fill
from bot.bench.place import Place, Running, ask, start_platform
from bot.bench.postgres import NoServer, empty_database, server
from bot.simulator import WeChatAccount

LONGEST_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.1
TEXT = "{称呼}您好，新品已到店，欢迎来看看。"


async def broadcast(quick: bool) -> list[Figure]:
    """Measure promise 6 against the same platforms as Y4, by customer-service messages."""
    people = 4_000 if quick else 20_000
    mine, bare = await _both(people)
    ratio = mine / bare
    what = f"broadcast messages a second to {people} (Y4)"
    return [Figure("6", what, f"{mine:.0f}", f"{bare:.0f}", f"{ratio:.2f}", ">= 0.45", ratio >= 0.45)]


async def broadcast_on_postgres(quick: bool) -> list[Figure]:
    """Measure the same on PostgreSQL; Y4 stays what it is, and nothing is promised."""
    people = 4_000 if quick else 20_000
    what = f"broadcast messages a second to {people} on PostgreSQL (Y4)"
    try:
        async with server() as address, empty_database(address) as url:
            mine, bare = await _both(people, url)
    except NoServer as missing:
        return [Figure("6 postgres", what, str(missing))]
    return [Figure("6 postgres", what, f"{mine:.0f}", f"{bare:.0f}", f"{mine / bare:.2f}")]


async def _both(people: int, where: str = "") -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        platform = await start_platform(people)
        place = Place(Path(folder), simulator_port=platform.port, server=where)
        bare, mine = [], []
        try:
            await fill(place.database_url, people)
            author = await place.run("token", "create", "author", "--role", "admin")
            approver = await place.run("token", "create", "approver", "--role", "admin")
            # In turn, so that a busy moment of the machine hits both.
            for turn in range(2):
                bare.append(await _yardstick(place, platform, people, f"turn{turn}"))
                mine.append(await _product(place, platform, people, (author, approver)))
        finally:
            await platform.kill()
    return max(mine), max(bare)


async def _yardstick(place: Place, platform: Running, people: int, name: str) -> float:
    base, account = f"http://127.0.0.1:{platform.port}", WeChatAccount()
    given = await ask(f"{base}/cgi-bin/token?grant_type=client_credential&appid={account.app_id}&secret={account.app_secret}")
    url = f"{base}/cgi-bin/message/custom/send?access_token={given['access_token']}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.bench.yardsticks.batch_sender", str(place.folder / f"y4-{name}.db"), str(people), url),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return float(out)


async def start_broadcast(
    place: Place, author: str, approver: str, *, name: str = "新品", conditions: dict[str, object] | None = None
) -> int:
    """Make a broadcast to everybody (or to a segment) with one token, approve it with another; gives its number."""
    base = f"http://127.0.0.1:{place.port}/api/v1"
    segment = await ask(f"{base}/segments", {"name": name, "conditions": conditions or {}}, token=author)
    template = await ask(f"{base}/templates", {"name": name, "kind": "text", "body": TEXT}, token=author)
    made = await ask(
        f"{base}/broadcasts",
        {"name": name, "segment_id": segment["id"], "template_id": template["id"], "channel": "wechat"},
        token=author,
    )
    await ask(f"{base}/broadcasts/{made['id']}/approve", {}, token=approver)
    return int(made["id"])


async def _product(place: Place, platform: Running, people: int, tokens: tuple[str, str]) -> float:
    running = await place.serve()
    try:
        before = await _received(platform)
        await start_broadcast(place, *tokens)
        begun, start = time.monotonic(), before
        while (count := await _received(platform)) < before + people:
            # From the first message on: planning has a promise of its own.
            if count == before or start == before:
                begun, start = time.monotonic(), count
            if time.monotonic() - begun > LONGEST_SECONDS:
                break
            await asyncio.sleep(LOOK_EVERY_SECONDS)  # each look costs the platforms a walk over everybody
        return (count - start) / (time.monotonic() - begun)
    finally:
        await running.stop()


async def _received(platform: Running) -> int:
    seen = await ask(f"http://127.0.0.1:{platform.port}/_sim/received?platform=wechat_oa")
    return int(seen["count"])
