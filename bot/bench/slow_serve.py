"""The product with one change: a command that takes so many seconds (promise 3).

There is no such command in the product, and settings cannot make one; so this process puts a slow router into it.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from bot.app import App
from bot.config import load
from crm_core.messages import InboundMessage
from crm_core.ports import Core
from handlers.commands import all_commands
from handlers.router import Router
from handlers.speaking import Speaking
from handlers.understood import Understood

SLOW_WORD = "慢"


class SlowRouter(Router):
    """Thinks for a long time about one word."""

    seconds = 30.0

    async def understand(self, core: Core, message: InboundMessage, who: Speaking) -> Understood:
        """Understand, slowly."""
        if SLOW_WORD in message.text:
            await asyncio.sleep(self.seconds)
        return await super().understand(core, message, who)


async def main(config: Path, seconds: float, role: str = "all") -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = App(load(config, os.environ), role=role)
    router = SlowRouter(all_commands())
    router.seconds = seconds
    app.pipeline._router = router
    await app.start()
    await stop.wait()
    await app.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:]))
