"""Marked personal data and secrets go through the flows, also where things fail; none of it leaves by log, metric or error."""

import asyncio
import io
import logging
from collections.abc import Iterator

import aiohttp
import pytest
import structlog

from bot import logs
from bot.simulator.faults import FaultKind
from crm_core.accounts import Account
from crm_core.messages import Address, Body
from tests.flows.conftest import house
from tests.house import House
from tests.waiting import until

__all__ = ["house"]
PHONE, NAME, WORDS = "13977665544", "欧阳金丝雀", "只有我知道的话"
TRACES = (PHONE, "77665544", "139 7766 5544", NAME, "金丝雀", WORDS)
SEND = "/cgi-bin/message/custom/send"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that is logged, down to what only developers read."""
    stream, root = io.StringIO(), logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.configure(stream=stream, level=logging.DEBUG)
    root.setLevel(logging.DEBUG)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    for name in ("bot", "handlers", "campaigns", "scheduler", "crm_core"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


async def ask(house: House, method: str, path: str, **options: object) -> str:
    url = f"http://127.0.0.1:{house.app.port}{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url, **options) as response:  # type: ignore[arg-type]
        return await response.text()


async def talk(house: House) -> list[str]:
    """What people say, and what they see of it stays with them; gives the openids."""
    wechat = house.simulator.wechat
    await house.employee(NAME)
    people = [wechat.make_openid() for _ in range(3)]
    for person in people:
        await wechat.follow(person)
        await wechat.say(person, f"我是{NAME}，电话{PHONE}，{WORDS}")
    for text in (
        f"录入线索 {NAME} {PHONE} {WORDS}",
        f"今天拜访了{NAME}，{WORDS}，电话{PHONE}，下周三再联系",
        f"客户 {NAME}",
        f"领取 {PHONE}",
        f"{WORDS}{'很长' * 3000}",
    ):
        await house.simulator.dingtalk.say(f"staff-{NAME}", text)
    return people


async def fail(house: House, people: list[str]) -> None:
    """Sends that go wrong in every way."""
    faults = house.simulator.faults
    for kind in (FaultKind.STATUS, FaultKind.HTML_AFTER, FaultKind.RESET_AFTER):
        faults.add(SEND, kind, times=1)
    faults.add_errcode(SEND, 40003, f"invalid openid {people[0]} {PHONE}", times=1)
    house.simulator.wechat.state.tokens.forget_all()
    core = house.app.core
    accounts = await Account.filter(external_id__in=people)
    async with core.db.transaction():
        for account in accounts:
            for number in range(2):
                key = f"canary:{account.id}:{number}"
                await core.outbox.put(account.address, Body(text=f"{NAME} {PHONE}"), key=key, account_id=account.id)
        await core.outbox.put(Address("dingtalk", f"nobody-{PHONE}"), Body(text=WORDS), key="canary:staff")
    await until(lambda: house.simulator.records.count_calls(SEND) >= 4, within=15)


@pytest.mark.slow  # sends that fail are tried again
async def test_no_personal_data_and_no_secret_leaves(house: House, written: io.StringIO) -> None:
    people = await talk(house)
    await fail(house, people)
    seen = [
        await ask(house, "POST", "/hook/wechat?signature=x&timestamp=1&nonce=2", data=f"<xml>{NAME}{PHONE}</xml>"),
        await ask(house, "POST", "/hook/dingtalk", json={"text": {"content": WORDS}, "senderNick": NAME}),
        await ask(house, "POST", f"/api/v1/leads?name={NAME}", data=f'{{"name": "{NAME}", "mobile": "{PHONE}"'),
        await ask(house, "GET", f"/api/v1/customers?q={PHONE}", headers={"Authorization": f"Bearer {PHONE}"}),
        await ask(house, "GET", f"/{NAME}/{PHONE}"),
        await ask(house, "GET", "/metrics"),
        await ask(house, "GET", "/health/ready"),
    ]
    logging.getLogger("some.library").error("cannot call %s", f"https://x/?access_token={'A1' * 30}&mobile={PHONE}")
    await asyncio.sleep(0)
    simulator = house.simulator
    secrets = [
        simulator.wechat.account.app_secret,
        simulator.wechat.account.token,
        simulator.wechat.account.aes_key,
        simulator.dingtalk.app.client_secret,
        *simulator.wechat.state.tokens._ends,
        *people,
    ]
    everything = {"log": written.getvalue(), **{f"answer {number}": text for number, text in enumerate(seen)}}
    assert "some.library" in everything["log"]
    for where, text in everything.items():
        found = [trace for trace in (*TRACES, *secrets) if trace and trace in text]
        assert not found, f"{where}: {found}"
