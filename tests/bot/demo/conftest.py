"""One demo for all tests of this folder, in a process of its own; each test brings a customer of its own."""

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio

ROOT = Path(__file__).parents[3]
State = dict[str, Any]


class Playing:
    """A running demo, its page's addresses and its clock."""

    def __init__(self, process: Process, url: str, session: aiohttp.ClientSession) -> None:
        self.process = process
        self.url = url
        self.session = session

    async def post(self, path: str, **body: object) -> tuple[int, State]:
        async with self.session.post(f"{self.url}/demo/{path}", json=body) as answer:
            return answer.status, await answer.json()

    async def do(self, path: str, **body: object) -> State:
        status, said = await self.post(path, **body)
        assert status == 200, said
        return said

    async def get(self, path: str) -> State:
        async with self.session.get(f"{self.url}{path}") as answer:
            assert answer.status == 200
            found: State = await answer.json()
            return found

    async def until(self, holds: Callable[[State], object], person: int | None = None) -> State:
        """Read the stream until a state is as wanted; the time limit of the test is the limit."""
        query = f"?person={person}" if person else ""
        async with self.session.get(f"{self.url}/demo/stream{query}", timeout=aiohttp.ClientTimeout(total=None)) as stream:
            async for line in stream.content:
                if line.startswith(b"data: "):
                    state: State = json.loads(line[6:])["state"]
                    if holds(state):
                        return state
        raise AssertionError("the stream ended")

    async def new_customer(self, scene: str = "展会") -> State:
        """Let somebody new follow; gives the state in which they are a lead."""
        await self.do("customer/new")
        await self.do("customer/follow", scene=scene)
        return await self.until(lambda state: state["crm"]["person"])

    async def says(self, staff_id: str, text: str) -> str:
        """Let a colleague say something; gives the robot's answer."""
        await self.do("staff/say", staff_id=staff_id, text=text)
        state = (await self.get("/demo/state"))["state"]
        return str(lines_of(state, staff_id)[-1]["text"])

    async def advance(self, seconds: float) -> None:
        """Move the product's clock and the platforms' with it, as no visitor can."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"advance {seconds}\n".encode())
        await self.process.stdin.drain()
        assert await self.process.stdout.readline() == b"moved\n"


def lines_of(state: State, phone: str) -> list[State]:
    """The chat of a phone."""
    if phone == "customer":
        lines: list[State] = state["phones"]["customer"]["lines"]
        return lines
    return next(one["lines"] for one in state["phones"]["staff"] if one["key"] == phone)


def visitor_name(state: State) -> str:
    return str(state["phones"]["customer"]["name"])


async def start_demo(*command: str, **options: Any) -> tuple[Process, str]:
    """Start a demo process; gives it with its address."""
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=PIPE, **options)
    assert process.stdout
    line = (await process.stdout.readline()).decode()
    found = re.search(r"http://[\d.:]+", line)
    assert found, line
    return process, found[0]


@pytest_asyncio.fixture(scope="session")
async def demo() -> AsyncIterator[Playing]:
    process, url = await start_demo("-m", "tests.bot.demo.playing", stdin=PIPE)
    assert process.stdin
    async with aiohttp.ClientSession() as session:
        yield Playing(process, url, session)
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 10) == 0
