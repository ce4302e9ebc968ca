"""One of several processes that send under one shared rate: `python -m bot.bench.limited_sender DATABASE URL COUNT SECONDS`.

It sends as fast as it may, until SIGTERM, and then tells the others what it did not use.
"""

import asyncio
import signal
import sys

from bot.channel import SendRate
from bot.httpclient import HttpClient, HttpError
from bot.logs import configure
from bot.models import MODEL_MODULES
from bot.quotas import OnePlace, Quota
from crm_core.clock import SystemClock
from crm_core.db import Database, DatabaseSettings
from crm_core.state import DatabaseState

SENDERS = 30


async def main(database: str, url: str, rate: SendRate) -> None:
    """Send until told to stop."""
    clock, db, stop = SystemClock(), Database(DatabaseSettings(database), MODEL_MODULES), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await db.open()
    quota = Quota("bench", [rate], clock, OnePlace(DatabaseState(db, clock)))
    async with HttpClient() as http, asyncio.TaskGroup() as group:
        for _ in range(SENDERS):
            group.create_task(_send(http, url, quota, stop))
        await stop.wait()
        await quota.close()
    await quota.close()
    await db.close()


async def _send(http: HttpClient, url: str, quota: Quota, stop: asyncio.Event) -> None:
    while (turn := await quota.turn(stop.is_set)) is not None:
        try:
            await http.post(url, {})
        except HttpError:
            pass  # what did not arrive is not counted there either
        finally:
            quota.end(turn)


if __name__ == "__main__":
    configure()
    asyncio.run(main(sys.argv[1], sys.argv[2], SendRate(int(sys.argv[3]), float(sys.argv[4]))))
