"""The stage of the demo: the product, the simulated platforms, and the people who play on them.

Whoever acts here writes through the platforms; the product sees signed and encrypted callbacks and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import web

from bot.app import App
from bot.demo.settings import DINGTALK, WECHAT, is_night, make_settings
from bot.sample.company import STAFF
from bot.sample.fill import fill, is_empty
from bot.simulator import SimClock, Simulator
from crm_core import employees
from crm_core.access import Actor, Role
from crm_core.accounts import Account
from crm_core.clock import Clock, SystemClock
from crm_core.employees import Employee

ON_PHONES = ("hl-wang", "hl-chen", "hl-lin", "hl-zhou")
"""Whose DingTalk the page shows, by staff id."""
PRESENTER = Actor.of_system("demo")


@dataclass(slots=True)
class Visitor:
    """A WeChat user nobody knows yet, played on the page; the tour begins anew with each."""

    openid: str
    number: int
    since: datetime


class Stage:
    """Everything the demo runs, in one process."""

    def __init__(self, folder: Path, port: int, *, clock: Clock | None = None) -> None:
        self.folder = folder
        self.port = port
        self.clock = clock or SystemClock()
        # One source of time for both, so that only a visitor's turn of the platforms' clock tells them apart.
        self.simulator = Simulator(clock=SimClock(lambda: self.clock.now().timestamp()))
        self.night = is_night(self.clock.now())
        self.visitors: list[Visitor] = []
        self.closing = False
        self._app: App | None = None

    @property
    def app(self) -> App:
        """The product; there once `open` has run."""
        if self._app is None:
            raise RuntimeError("the demo is not started")
        return self._app

    @property
    def visitor(self) -> Visitor:
        """Who is played on the WeChat phone now."""
        return self.visitors[-1]

    async def open(self) -> web.Application:
        """Start platforms and product over an open or new database; gives the product's web application, not yet listening."""
        await self.simulator.start()
        self._app = App(make_settings(self.simulator, self.folder, self.port, night=self.night), clock=self.clock)
        await self.app.start(listen=False)
        if await is_empty():
            await fill(self.app.core, channel=WECHAT)
        for one in STAFF:
            self.simulator.dingtalk.add_staff(one.staff_id, one.name, is_admin=one.role is Role.ADMIN)
        await self._bring_followers()
        base = f"http://127.0.0.1:{self.port}/hook"
        self.simulator.wechat.callback_url = f"{base}/{WECHAT}"
        self.simulator.dingtalk.callback_url = f"{base}/{DINGTALK}"
        self.invite()
        return self.app.web()

    async def bind_colleagues(self) -> None:
        """Let those with a phone bind their account as on the first day: with a code, in the chat. Needs the port open."""
        for staff_id in ON_PHONES:
            known = await Account.filter(channel=DINGTALK, external_id=staff_id, person_kind="employee").exists()
            if not known:
                code = await employees.make_bind_code(self.app.core, PRESENTER, (await self.employee(staff_id)).id)
                await self.simulator.dingtalk.say(staff_id, f"绑定 {code}")

    async def close(self) -> None:
        """End everything, within the ten seconds of the contract."""
        self.closing = True
        if self._app is not None:
            await self._app.stop()
        await self.simulator.stop()

    def invite(self) -> Visitor:
        """Hand the WeChat phone to somebody new."""
        made = Visitor(self.simulator.wechat.make_openid(), len(self.visitors) + 1, self.clock.now())
        self.visitors.append(made)
        return made

    def follows(self) -> bool:
        """Tell whether the visitor follows the account now."""
        known = self.simulator.wechat.state.followers.find(self.visitor.openid)
        return known is not None and known.subscribed

    async def employee(self, staff_id: str) -> Employee:
        """Find a colleague of the sample by staff id."""
        name = next(one.name for one in STAFF if one.staff_id == staff_id)
        return await Employee.get(name=name)

    async def _bring_followers(self) -> None:
        """Tell the simulated platform who follows already and who has written lately, as the database has it."""
        state, now = self.simulator.wechat.state, self.clock.now()
        rule = self.app.core.reach[WECHAT]
        for account in await Account.filter(channel=WECHAT):
            state.followers.ensure(account.external_id).subscribed = account.unfollowed_at is None
            if account.reach(rule, now).open:
                state.windows.open(account.external_id, "message")
