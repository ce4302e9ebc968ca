"""A mass broadcast through a lost answer and kills: every person gets it once, and the report is applied."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.bench.place import ask
from tests.faults.town import Town, town

SEND = "/cgi-bin/message/mass/send"
PEOPLE, CHUNK = 25, 13


async def start_mass(made: Town, author: str, approver: str) -> str:
    base = f"http://127.0.0.1:{made.place.port}/api/v1"
    segment = await ask(f"{base}/segments", {"name": "全部", "conditions": {}}, token=author)
    template = await ask(f"{base}/templates", {"name": "新品", "kind": "mass", "body": "新品上线"}, token=author)
    draft = {"name": "新品", "segment_id": segment["id"], "template_id": template["id"], "channel": "wechat"}
    made_draft = await ask(f"{base}/broadcasts", draft, token=author)
    await ask(f"{base}/broadcasts/{made_draft['id']}/approve", {}, token=approver)
    return f"{base}/broadcasts/{made_draft['id']}"


@pytest.mark.faults  # a real process is started four times
@pytest.mark.timeout(150)
async def test_two_chunks_a_hanging_answer_and_kills_reach_each_person_once(tmp_path: Path) -> None:
    async with town(tmp_path, PEOPLE, keep=True) as made:
        made.place.environment = {"GUANXI_CHANNELS__WECHAT__MASS_CHUNK": str(CHUNK)}
        author = await made.place.run("token", "create", "author", "--role", "admin")
        approver = await made.place.run("token", "create", "approver", "--role", "admin")
        await made.start()
        await made.control("configure", {"wechat": {"callback_url": f"http://127.0.0.1:{made.place.port}/hook/wechat"}})
        await made.control("faults", {"path": SEND, "kind": "hang_after", "times": 2})
        url = await start_mass(made, author, approver)
        for carried_out in (CHUNK, PEOPLE):
            # The call was carried out, its answer never comes, and the product is killed while it waits.
            await until_received(made, carried_out)
            assert made.product is not None
            await made.product.kill()
            await made.start()
        state: dict[str, Any] = {}
        async with asyncio.timeout(60):
            while state.get("status") != "finished" or state["counts"] != {"sent": PEOPLE}:
                await asyncio.sleep(0.2)
                state = await ask(url, token=author)
        received = await made.control("received?platform=wechat_oa")
        assert (received["count"], received["doubles"]) == (PEOPLE, {})
        calls = (await made.control(f"calls?path={SEND}"))["items"]
        assert len({call["json"]["clientmsgid"] for call in calls}) == 2
        assert (await made.control("complaints"))["items"] == []


async def until_received(made: Town, count: int) -> None:
    async with asyncio.timeout(40):
        while (await made.control("received?platform=wechat_oa"))["count"] < count:
            await asyncio.sleep(0.05)
