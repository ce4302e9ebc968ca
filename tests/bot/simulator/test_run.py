"""The simulators alone in a process."""

import asyncio
import json
import os
import signal

from bot.simulator import Simulator
from bot.simulator.run import describe, serve


async def test_it_announces_itself_and_stops_at_a_signal():
    sim, lines, announced = Simulator(), [], asyncio.Event()

    def announce(line: str) -> None:
        lines.append(line)
        announced.set()

    async def stop() -> None:
        await announced.wait()
        os.kill(os.getpid(), signal.SIGTERM)

    await asyncio.gather(serve(sim, "127.0.0.1", 0, announce=announce), stop())
    told = json.loads(lines[0])
    assert told["base_url"] == sim.base_url
    assert told["wechat_oa"]["app_id"] == sim.wechat.account.app_id


def test_the_line_holds_the_credentials_of_all_platforms():
    told = json.loads(describe(Simulator()))
    assert told["dingtalk"]["client_secret"] == Simulator().dingtalk.app.client_secret
    assert told["wecom"]["contact_secret"] == Simulator().wecom.corp.contact_secret
    assert told["wecom"]["api_base"].endswith("/wecom")
