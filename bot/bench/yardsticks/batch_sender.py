"""Y4, a sender that claims 1000 rows, renders, POSTs over 50 connections and completes the batch at its end."""

import asyncio
import json
import sys
import time
from typing import Any

import aiohttp

from bot.bench.yardsticks.serving import open_durable

CONNECTIONS, BATCH = 50, 1000
TABLE = "CREATE TABLE rows (id INTEGER PRIMARY KEY, openid, name, status, text); CREATE INDEX due ON rows (status, id); BEGIN"
CLAIM = "UPDATE rows SET status = 1 WHERE id IN (SELECT id FROM rows WHERE status = 0 LIMIT ?) RETURNING id, openid, name"


async def send(session: aiohttp.ClientSession, url: str, todo: list[Any], done: list[tuple[str, int]]) -> None:
    """Send over one connection until nothing is left."""
    while todo:
        number, openid, name = todo.pop()
        text = f"{name}您好，新品已到店，欢迎来看看。"
        body = json.dumps({"touser": openid, "msgtype": "text", "text": {"content": text}}, ensure_ascii=False)
        async with session.post(url, data=body.encode()) as response:
            await response.read()
        done.append((text, number))


async def main(path: str, count: int, url: str) -> None:
    """Send everything and print how many a second."""
    db = open_durable(path, TABLE)
    people = ((f"oSimCrowd{number:010d}", f"客户{number}") for number in range(count))
    db.executemany("INSERT INTO rows (openid, name, status) VALUES (?, ?, 0)", people)
    db.execute("COMMIT")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        started = time.monotonic()
        while todo := db.execute(CLAIM, (BATCH,)).fetchall():
            done: list[tuple[str, int]] = []
            await asyncio.gather(*(send(session, url, todo, done) for _ in range(CONNECTIONS)))
            db.execute("BEGIN IMMEDIATE")
            db.executemany("UPDATE rows SET status = 2, text = ? WHERE id = ?", done)
            db.execute("COMMIT")
    sys.stdout.write(f"{count / (time.monotonic() - started)}\n")


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
