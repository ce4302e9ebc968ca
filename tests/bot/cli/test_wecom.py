"""`guanxi wecom`: directory, contact ways and reminders by hand, against the simulated platform."""

import asyncio
from pathlib import Path

from bot.simulator import Simulator
from tests.bot.cli.conftest import Ended, Run

SECTION = """
[channels.wecom]
kind = "wecom"
corp_id = "{corp_id}"
agent_id = {agent_id}
secret_env = "S"
contact_secret_env = "C"
token_env = "T"
aes_key_env = "A"
api_base = "{base}"
"""


async def test_directory_and_contact_ways(guanxi: Run, folder: Path) -> None:
    async with Simulator() as simulator:
        corp = simulator.wecom.corp
        section = SECTION.format(corp_id=corp.corp_id, agent_id=corp.agent_id, base=simulator.wecom_api_base)
        settings = folder / "config.toml"
        settings.write_text(settings.read_text(encoding="utf-8") + section, encoding="utf-8")
        environ = {"S": corp.secret, "C": corp.contact_secret, "T": corp.token, "A": corp.aes_key}

        async def ended(*arguments: str, status: int = 0) -> Ended:
            return await asyncio.to_thread(guanxi, *arguments, status=status, **environ)

        async def run(*arguments: str, status: int = 0) -> str:
            found = await ended(*arguments, status=status)
            return found.stdout if status == 0 else found.stderr

        simulator.wecom.add_member("zhangsan", "张三", "13900001111")
        simulator.wecom.add_member("lisi", "李四", "13900002222")
        await run("employee", "add", "张三", "--role", "sales", "--mobile", "13900001111")
        assert (await run("wecom", "sync")).split() == ["1"]
        assert "zhangsan" not in await run("wecom", "unbound")
        assert (await ended("wecom", "way-list")).stderr == "还没有渠道活码\n"
        assert "lisi\t李四" in await run("wecom", "unbound")

        number = (await run("wecom", "way-add", "展会A", "--user", "zhangsan")).split()[-1]
        assert "展会A\tzhangsan" in await run("wecom", "way-list")
        await run("wecom", "way-change", number, "--state", "展会B", "--user", "lisi")
        assert "展会B\tlisi" in await run("wecom", "way-list")
        await run("wecom", "way-remove", number)
        assert await run("wecom", "way-list") == ""
        assert "没有这个渠道活码" in await run("wecom", "way-remove", number, status=2)
        assert await run("wecom", "remind", "12", status=1) == "没有群发 12\n"
        await run("employee", "add", "李四", "--role", "sales", "--mobile", "13900002222")
        await run("wecom", "sync")
        nobody = await ended("wecom", "unbound")
        assert (nobody.stdout, nobody.stderr) == ("", "所有成员都已绑定员工\n")
        assert (await run("wecom", "sync-contacts")).split() == ["0"]
        simulator.options.wecom_trusted = False
        assert "60020" in await run("wecom", "unbound", status=1)
        assert "没有启用" in await run("wecom", "sync", "--channel", "other", status=2)
