"""Y3, a minimal durable gateway: verify, decrypt, parse, one inbox row (FULL, grouped commits), sealed reply."""

import asyncio
import sys
from queue import SimpleQueue
from threading import Thread
from xml.etree.ElementTree import fromstring as parse

from aiohttp import web

from bot.bench.yardsticks.serving import finish_all, open_durable, serve
from bot.simulator import WeChatAccount
from bot.simulator.documents import to_xml
from bot.simulator.wechat_oa.documents import envelope_of

ENVELOPE = envelope_of(WeChatAccount())
INSERT = "INSERT INTO inbox (key, person, text) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING"
TABLE = "CREATE TABLE inbox (id INTEGER PRIMARY KEY, key UNIQUE, person, text)"
WORK: "SimpleQueue[tuple[asyncio.Future[None], tuple[str, str, str]]]" = SimpleQueue()


def write(path: str) -> None:
    """Commit whatever waits, together."""
    db = open_durable(path, TABLE)
    while True:
        batch = [WORK.get(), *(WORK.get() for _ in range(WORK.qsize()))]
        db.execute("BEGIN IMMEDIATE")
        db.executemany(INSERT, [row for _, row in batch])
        db.execute("COMMIT")
        batch[0][0].get_loop().call_soon_threadsafe(finish_all, [future for future, _ in batch])


async def handle(request: web.Request) -> web.Response:
    """Answer one callback with an echo."""
    query, sealed = request.query, parse(await request.read()).findtext("Encrypt") or ""  # noqa: S314
    if ENVELOPE.sign(query["timestamp"], query["nonce"], sealed) != query["msg_signature"]:
        raise web.HTTPForbidden
    said = {child.tag: child.text or "" for child in parse(ENVELOPE.decrypt(sealed))}  # noqa: S314
    stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    WORK.put((stored, (f"{said['FromUserName']}:{said['MsgId']}", said["FromUserName"], said["Content"])))
    await stored
    head = {"ToUserName": said["FromUserName"], "FromUserName": said["ToUserName"], "CreateTime": int(query["timestamp"])}
    reply = ENVELOPE.encrypt(to_xml(head | {"MsgType": "text", "Content": said["Content"]}).encode())
    sign = ENVELOPE.sign(query["timestamp"], query["nonce"], reply)
    answer = {"Encrypt": reply, "MsgSignature": sign, "TimeStamp": head["CreateTime"], "Nonce": query["nonce"]}
    return web.Response(text=to_xml(answer), content_type="text/xml")


Thread(target=write, args=(sys.argv[1],), daemon=True).start()
serve(handle)
