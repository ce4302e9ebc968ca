"""The load: callbacks of the platform, encrypted beforehand and sent by a process of its own.

`run_load(job)` starts the process and gives what it saw; `python -m bot.bench.load` is that process.
"""

import asyncio
import gc
import json
import re
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.bench.callbacks import PLATFORMS

PEOPLE_PREFIX = "oSimCrowd"
TEXTS = ("在吗", "想了解一下你们的设备，能发份资料吗", "多少钱一台", "上次说的交货期还算数吗？", "好的，谢谢", "地址发我一下")
FIRST_MESSAGE_ID = 24_000_000_000_000_001
ANSWER_WITHIN_SECONDS = 15.0
REPEAT_PAUSE_SECONDS = 0.2
TICK_SECONDS = 0.0005


@dataclass(frozen=True, slots=True)
class Job:
    """What to send. `rate` 0 keeps every connection busy; else so many a second leave, whatever comes back.

    `copies` delivers each message so many times at once; `insist` repeats one that was not acknowledged, as the platform
    does, only sooner; `keep_bodies` gives back what was answered.
    """

    port: int
    platform: str = "wechat"
    count: int = 10_000
    people: int = 2_000
    connections: int = 50
    rate: float = 0.0
    seconds: float = 0.0
    """End after so long, whatever is left (0: when everything is answered)."""
    copies: int = 1
    first_message: int = 0
    insist: bool = False
    keep_bodies: bool = False
    words: str = ""
    """What everybody says; empty: what customers say."""
    base_url: str = ""
    """Where the platforms are asked, for what they tell of themselves in a message."""


@dataclass(slots=True)
class Seen:
    """What came back. Times are milliseconds; status 0 is no answer at all. `bodies`: per message, in order."""

    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    p50: float = 0.0
    p99: float = 0.0
    worst: float = 0.0
    slowest: float = 0.0
    """As `worst`, but from when it was sent and not from when it was due."""
    worst_lag: float = 0.0
    bodies: list[list[str]] = field(default_factory=list)
    each_second: list[list[float]] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        """How many answers had status 200."""
        return self.statuses.get("200", 0)

    @property
    def rate(self) -> float:
        """Acknowledged requests a second."""
        return self.acknowledged / self.seconds if self.seconds else 0.0


async def run_load(job: Job) -> Seen:
    """Run a job in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.bench.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate(json.dumps(asdict(job)).encode())
    if process.returncode:
        raise RuntimeError("the load failed")
    return Seen(**json.loads(out))


def openid_of(number: int) -> str:
    """Name a person of the crowd."""
    return f"{PEOPLE_PREFIX}{number:010d}"


def staff_id_of(number: int) -> str:
    """Name somebody of the house."""
    return f"staff{number + 1}"


_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"^HTTP/1\.0|\r\nconnection: *close", re.IGNORECASE)


@dataclass(slots=True)
class _Item:
    number: int
    request: bytes
    due: float = 0.0


def _prepare(job: Job) -> Iterator[_Item]:
    say, path = PLATFORMS[job.platform](job.base_url), f"/hook/{job.platform}"
    name = openid_of if job.platform == "wechat" else staff_id_of
    for number in range(job.first_message, job.first_message + job.count):
        deliver = say(name(number % job.people), job.words or TEXTS[number % len(TEXTS)], FIRST_MESSAGE_ID + number)
        for _ in range(job.copies):
            yield _Item(number, deliver().request(path, job.port))


class _Link(asyncio.Protocol):
    """One TCP connection of a line; what an old one still says is not meant for the request of a new one."""

    def __init__(self, line: "_Line") -> None:
        self._line = line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with the request that waited for the connection."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("no stream")
        self._line.linked(self, transport)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._line.link is self:
            self._line.read(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is being waited for on this connection."""
        if self._line.link is self:
            self._line.lost()


class _Line:
    """Sends a request, reads the answer, takes the next. As lean as it can be, for it shares the machine."""

    def __init__(self, client: "_Client") -> None:
        self._client = client
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self.link: _Link | None = None
        self.item: _Item | None = None
        self.begun = 0.0

    def send(self, item: _Item) -> None:
        """Send one request, connecting first if need be."""
        self.item, self.begun, self._buffer = item, time.monotonic(), b""
        if self._transport is None:
            self._client.connect(self)
        else:
            self._transport.write(item.request)

    def fail(self) -> None:
        """Give up what is being waited for."""
        if self._transport is not None:
            self._transport.abort()
        else:
            self._end(0, b"")

    def linked(self, link: _Link, transport: asyncio.Transport) -> None:
        """Go on over this connection."""
        self.link, self._transport = link, transport
        if self.item is not None:
            transport.write(self.item.request)

    def read(self, data: bytes) -> None:
        """Read on; end when the answer is whole."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        if length is None or len(body) < int(length.group(1)):
            return
        if _CLOSE.search(head) and self._transport is not None:
            self._transport.close()
            self.link = self._transport = None
        self._end(int(head[9:12]), body)

    def lost(self) -> None:
        """Note that whatever was asked has no answer, unless the answer ended with the connection."""
        self.link = self._transport = None
        head, _, body = self._buffer.partition(b"\r\n\r\n")
        if self.item is not None:
            self._end(int(head[9:12]) if head.startswith(b"HTTP/") and not _LENGTH.search(head) else 0, body)

    def _end(self, status: int, body: bytes) -> None:
        item, self.item = self.item, None
        if item is not None:
            self._client.note(self, item, status, body)


class _Client:
    """Sends the prepared requests over so many connections and notes what happens."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._items = list(_prepare(job))
        self._left = len(self._items)
        self._ready: deque[_Item] = deque()
        self._idle = [_Line(self) for _ in range(job.connections)]
        self._lines = list(self._idle)
        self._connecting: set[asyncio.Task[None]] = set()
        self._statuses: Counter[str] = Counter()
        self._bodies: dict[int, list[str]] = {}
        self._times: list[tuple[float, float, int]] = []
        self._started = 0.0
        self._lag = 0.0
        self._slowest = 0.0

    async def run(self) -> Seen:
        """Send everything and wait for the last answer."""
        gc.freeze()
        gc.disable()
        self._finished = asyncio.Event()
        self._started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch())
            await self._offer()
            await self._finished.wait()
            watching.cancel()
        return self._summary(time.monotonic() - self._started)

    async def _offer(self) -> None:
        if not self._job.rate:
            self._ready.extend(self._items)
            lines, self._idle = self._idle, []
            for line in lines:
                self._next(line)
            return
        start = time.monotonic()
        for index, item in enumerate(self._items):
            item.due = start + index / self._job.rate
            if (wait := item.due - time.monotonic()) > TICK_SECONDS:
                await asyncio.sleep(wait)
            self._give(item)
            if self._job.seconds and time.monotonic() - start > self._job.seconds:
                break
        if self._job.seconds:
            self._ready.clear()
            self._left = sum(line.item is not None for line in self._lines)
            if not self._left:
                self._finished.set()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            late = time.monotonic() - ANSWER_WITHIN_SECONDS
            for line in self._lines:
                if line.item is not None and line.begun < late:
                    line.fail()

    def _give(self, item: _Item) -> None:
        self._ready.append(item)
        if self._idle:
            self._next(self._idle.pop())

    def _next(self, line: _Line) -> None:
        if not self._ready:
            self._idle.append(line)
            return
        item = self._ready.popleft()
        if item.due:
            self._lag = max(self._lag, time.monotonic() - item.due)
        line.send(item)

    def connect(self, line: _Line) -> None:
        """Open the connection of a line."""
        task = asyncio.get_running_loop().create_task(self._connect(line))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, line: _Line) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: _Link(line), "127.0.0.1", self._job.port)
        except OSError:
            line.fail()

    def note(self, line: _Line, item: _Item, status: int, body: bytes) -> None:
        """Note one answer (0: none) and let the line go on."""
        now = time.monotonic()
        self._statuses[str(status)] += 1
        self._times.append((now, now - (item.due or line.begun), status))
        self._slowest = max(self._slowest, now - line.begun)
        if status != 200 and self._job.insist:
            item.due = 0.0
            asyncio.get_running_loop().call_later(REPEAT_PAUSE_SECONDS, self._give, item)
        else:
            if self._job.keep_bodies:
                self._bodies.setdefault(item.number, []).append(body.decode() if status == 200 else f"!{status}")
            self._left -= 1
            if not self._left:
                self._finished.set()
        self._next(line)

    def _summary(self, seconds: float) -> Seen:
        good = sorted(took for _, took, status in self._times if status == 200) or [0.0]
        return Seen(
            seconds=seconds,
            statuses=dict(self._statuses),
            p50=good[len(good) // 2] * 1000,
            p99=good[int(len(good) * 0.99)] * 1000,
            worst=max((took for _, took, _ in self._times), default=0.0) * 1000,
            slowest=self._slowest * 1000,
            worst_lag=self._lag * 1000,
            bodies=[self._bodies[number] for number in sorted(self._bodies)],
            each_second=self._by_second(),
        )

    def _by_second(self) -> list[list[float]]:
        """For each second of the run: acknowledged, refused, slowest of the acknowledged (p99, milliseconds)."""
        rows: dict[int, tuple[list[float], list[int]]] = {}
        for at, took, status in self._times:
            good, bad = rows.setdefault(int(at - self._started), ([], []))
            good.append(took) if status == 200 else bad.append(status)
        found = []
        for second in range(max(rows, default=-1) + 1):
            good, bad = rows.get(second, ([], []))
            good.sort()
            found.append([len(good), len(bad), good[int(len(good) * 0.99)] * 1000 if good else 0.0])
        return found


def main() -> None:
    """Read a job from standard input, run it, write what was seen to standard output."""
    fields: dict[str, Any] = json.load(sys.stdin)
    json.dump(asdict(asyncio.run(_Client(Job(**fields)).run())), sys.stdout)


if __name__ == "__main__":
    main()
