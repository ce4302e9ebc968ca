"""The platforms in a box: one object that starts, drives and stops all of them."""

import aiohttp

from bot.simulator.accounts import DingTalkApp, SimulatorOptions, WeChatAccount, WeComCorp
from bot.simulator.clock import SimClock
from bot.simulator.control import Control
from bot.simulator.dingtalk.orders import dingtalk_orders
from bot.simulator.dingtalk.platform import DingTalkPlatform
from bot.simulator.faults import Faults
from bot.simulator.records import Complaint, Records
from bot.simulator.server import SimulatorServer
from bot.simulator.tasks import Tasks
from bot.simulator.wechat_oa.platform import WeChatPlatform
from bot.simulator.wecom.orders import wecom_orders
from bot.simulator.wecom.platform import WeComPlatform
from bot.simulator.wecom_kf.orders import kf_orders
from bot.simulator.wecom_kf.platform import KfPlatform


class Simulator:
    """A WeChat Official Account, a DingTalk organisation and a WeCom corporation on one loopback port."""

    def __init__(
        self,
        wechat: WeChatAccount | None = None,
        dingtalk: DingTalkApp | None = None,
        *,
        wecom: WeComCorp | None = None,
        clock: SimClock | None = None,
        options: SimulatorOptions | None = None,
    ) -> None:
        self.options = options or SimulatorOptions()
        self.clock = clock or SimClock()
        self.faults = Faults()
        self.records = Records(self.clock, counting_only=self.options.counting_only, calls_kept=self.options.calls_kept)
        self._tasks = Tasks(self.records)
        self.wechat = WeChatPlatform(wechat or WeChatAccount(), self.options, self.clock, self.records, self._tasks)
        self.dingtalk = DingTalkPlatform(dingtalk or DingTalkApp(), self.options, self.clock, self.records, self._tasks)
        self.wecom = WeComPlatform(wecom or WeComCorp(), self.options, self.clock, self.records)
        shared = self.wecom.state
        self.kf = KfPlatform(
            shared.corp,
            self.options,
            self.clock,
            self.records,
            tasks=self._tasks,
            tokens=shared.tokens,
            limits=shared.limits,
        )
        self._server = SimulatorServer(self.records, self.faults)
        self._session: aiohttp.ClientSession | None = None

    @property
    def base_url(self) -> str:
        """Where every platform path and the control interface are served."""
        return f"http://{self._server.host}:{self._server.port}"

    @property
    def wecom_api_base(self) -> str:
        """Where the API host of WeCom is played: its paths would collide with the Official Account's."""
        return f"{self.base_url}/wecom"

    @property
    def complaints(self) -> list[Complaint]:
        """The product's breaches of the platforms' rules so far."""
        return self.records.complaints

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        self._server.add(self.wechat.routes())
        self._server.add(self.dingtalk.routes())
        self._server.add(self.wecom.routes())
        self._server.add(self.kf.routes())
        self._server.add_sockets(self.dingtalk.sockets())
        self._server.add_controls(self._make_control().routes())
        await self._server.start(host, port)
        # No limit of connections: the platforms push from many machines at once.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self.wechat.open(self._session)
        self.dingtalk.open(self._session, self.base_url)
        self.wecom.open(self._session)
        self.kf.open(self._session)

    async def stop(self) -> None:
        """End background pushes, let hanging calls go, close."""
        await self._tasks.stop()
        await self.dingtalk.close()
        await self._server.stop()
        if self._session is not None:
            await self._session.close()

    async def settle(self) -> None:
        """Wait until every result event has been pushed."""
        await self._tasks.settle()

    async def refuse(self) -> None:
        """Refuse connections and break the open ones, until `accept`."""
        await self._server.refuse()

    async def accept(self) -> None:
        """Accept connections again, at the same port."""
        await self._server.accept()

    def _make_control(self) -> Control:
        platforms = {"dingtalk": dingtalk_orders(self.dingtalk), "wecom": wecom_orders(self.wecom), "kf": kf_orders(self.kf)}
        orders = {f"{platform}/{name}": order for platform, named in platforms.items() for name, order in named.items()}
        return Control(
            self.wechat,
            self.dingtalk,
            self.wecom,
            self.clock,
            self.faults,
            self.records,
            self.options,
            self._server,
            self._tasks,
            orders,
        )

    async def __aenter__(self) -> "Simulator":
        """Start on a free port."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()
