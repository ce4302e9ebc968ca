"""Promises 10 and 14: how fast it starts, how much it holds when idle, how long a sentence takes."""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bot.bench.figures import Figure
from bot.bench.filling import name_of
from bot.bench.place import Place
from crm_core.clock import SystemClock
from handlers.understanding.parse import parse, warm

TURNS = 5
MIB = 1024 * 1024
IDLE_SECONDS = 3.0
SENTENCES = (
    "昨天下午跟王总通了电话，价格嫌高，下周三上午再去一趟，预算大概二十万",
    "刚拜访完李伟，样机还满意，后天发合同草稿",
    "新线索：张三，13800138000，上海东方机械厂，想买两台注塑机",
    "提醒我明天下午三点给陈静回电话",
    "今天要做什么",
    "领取 张伟",
    "公海",
    "查一下刘洋的电话",
    "帮助",
    "周五前给赵军报价，含税十三万五",
)


async def start(quick: bool) -> list[Figure]:
    """Measure promise 10 on an empty database that exists already: the second start is the usual one."""
    turns = 3 if quick else TURNS
    bare = min([await _time(sys.executable, "-c", "import aiohttp.web") for _ in range(turns)])
    helped = min([await _time(sys.executable, "-m", "bot", "--help") for _ in range(turns)])
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        place = Place(Path(folder))
        await place.run("migrate")
        took = []
        memory = 0
        for turn in range(turns):
            begun = time.monotonic()
            running = await place.serve()
            took.append(time.monotonic() - begun)
            if turn == turns - 1:
                await asyncio.sleep(IDLE_SECONDS)
                memory = running.memory_bytes // MIB
            await running.stop()
    ready = min(took)
    return [
        Figure(
            "10", "start to ready (Y5)", f"{ready:.2f} s", f"{bare:.2f} s", f"{ready / bare:.1f}", "<= 6", ready <= 6 * bare
        ),
        Figure("10", "--help", f"{helped:.2f} s", promise="<= 0.25 s", held=helped <= 0.25),
        Figure("10", "idle memory", f"{memory} MiB", promise="<= 200 MiB", held=memory <= 200),
    ]


async def _time(*command: str) -> float:
    begun = time.monotonic()
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    await process.wait()
    return time.monotonic() - begun


async def understanding(quick: bool) -> list[Figure]:
    """Measure promise 14: the median over sentences of every length, with two hundred known names."""
    known = [name_of(number) for number in range(200)]
    now = SystemClock().now()
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        warm(Path(folder))
        took = []
        for _ in range(20 if quick else 100):
            for sentence in SENTENCES:
                begun = time.perf_counter()
                parse(sentence, now, known)
                took.append((time.perf_counter() - begun) * 1000)
    median = statistics.median(took)
    slowest = max(took)
    return [
        Figure("14", "understanding a sentence, median", f"{median:.2f} ms", promise="<= 2 ms", held=median <= 2),
        Figure("14", "the slowest after warming", f"{slowest:.1f} ms", promise="<= 50 ms", held=slowest <= 50),
    ]
