"""A house whose people talk to it over WeCom, beside the other platforms."""

from dataclasses import replace

from bot.app import App
from bot.channels.wecom import Settings as WeComSettings
from bot.channels.wecom import WeCom
from bot.secret import Secret
from bot.simulator import Simulator
from crm_core.access import Role
from crm_core.accounts import Account
from crm_core.employees import Employee
from tests.factories import make_employee
from tests.house import House, settings_for


def wecom_settings(simulator: Simulator, **changes: object) -> WeComSettings:
    corp = simulator.wecom.corp
    settings = WeComSettings(
        corp_id=corp.corp_id,
        agent_id=corp.agent_id,
        secret=Secret(corp.secret),
        contact_secret=Secret(corp.contact_secret),
        token=Secret(corp.token),
        aes_key=Secret(corp.aes_key),
        api_base=f"{simulator.base_url}/wecom",
    )
    return replace(settings, **changes)  # type: ignore[arg-type]


class WeComHouse(House):
    """The started product with the channel `wecom`."""

    async def restart(self) -> None:
        overrides = dict(self._overrides)
        changes = overrides.pop("wecom", {})
        settings = settings_for(self.simulator, self._folder, **overrides)
        channels = {**settings.channels, "wecom": ("wecom", wecom_settings(self.simulator, **changes))}
        settings = replace(settings, database=self._database.settings, channels=channels)
        self.app = App(settings, db=self._database, clock=self._clock)
        await self.app.start()
        self.simulator.wecom.callback_url = f"http://127.0.0.1:{self.app.port}/hook/wecom"

    @property
    def channel(self) -> WeCom:
        found = self.app.channels["wecom"]
        assert isinstance(found, WeCom)
        return found

    async def member(self, user_id: str, name: str, role: Role = Role.SALES, **values: object) -> Employee:
        """An employee who is bound to a member of the corporation."""
        self.simulator.wecom.add_member(user_id, name)
        employee = await make_employee(self.app.core, name, role, **values)
        core = self.app.core
        await Account.add(core, channel="wecom", external_id=user_id, person_kind="employee", person_id=employee.person_id)
        return employee
