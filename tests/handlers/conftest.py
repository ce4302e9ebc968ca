"""Talking to the bot without a network: the real pipeline, router and commands over the real database."""

from collections.abc import AsyncIterator
from itertools import count

import pytest_asyncio

from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.employees import Employee
from crm_core.messages import Address, InboundMessage, Kind
from crm_core.ports import Core
from handlers.commands import all_commands
from handlers.pipeline import NobodyWaits, Pipeline, take
from handlers.router import Router
from tests.factories import make_employee


class Talker:
    """Somebody who writes to the bot on one channel."""

    _numbers = count(1)

    def __init__(self, core: Core, pipeline: Pipeline, address: Address) -> None:
        self.core = core
        self.pipeline = pipeline
        self.address = address

    def message(
        self, text: str, *, kind: Kind = Kind.TEXT, event: str = "", data: dict[str, object] | None = None
    ) -> InboundMessage:
        number = next(self._numbers)
        return InboundMessage(
            address=self.address,
            key=f"test:{number}",
            kind=kind,
            at=self.core.clock.now(),
            text=text,
            event=event,
            external_id=str(number),
            data=data or {},
        )

    async def says(self, text: str, **values: object) -> str:
        """What the bot answers, whichever way it left."""
        return await self.sends(self.message(text, **values))

    async def sends(self, message: InboundMessage) -> str:
        taken = await self.core.db.run(take(self.core, message, passive=True))
        if not taken.done:
            await self.pipeline.work(taken.recorded.id, message, NobodyWaits())
        row = await Message.get_or_none(key=f"reply:{taken.recorded.id}")
        return row.text if row else ""


class Staff(Talker):
    """An employee at their DingTalk."""

    employee: Employee


@pytest_asyncio.fixture
async def pipeline(core: Core) -> AsyncIterator[Pipeline]:
    yield Pipeline(core, Router(all_commands()))


@pytest_asyncio.fixture
async def chat(core: Core, pipeline: Pipeline) -> AsyncIterator[Staff]:
    """小王, a salesperson."""
    yield await staff(core, pipeline, "小王")


@pytest_asyncio.fixture
async def customer(core: Core, pipeline: Pipeline) -> AsyncIterator[Talker]:
    """Somebody at WeChat."""
    yield Talker(core, pipeline, Address("wechat", "oCustomer1"))


async def staff(core: Core, pipeline: Pipeline, name: str, role: Role = Role.SALES, **values: object) -> Staff:
    """An employee with a bound account."""
    talker = Staff(core, pipeline, Address("dingtalk", f"staff-{name}"))
    talker.employee = await make_employee(core, name, role, staff_id=f"staff-{name}", **values)
    return talker
