"""`guanxi wechat …` against the simulated platform."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from bot.simulator import Simulator
from tests.bot.cli.conftest import CONFIG, Ended, Run

Asked = Callable[..., Awaitable[Ended]]
MENU = """
[[channels.wechat.menu]]
name = "产品"
sub_button = [{name = "价格", key = "价格"}, {name = "官网", type = "view", url = "https://e.cn"}]
[[channels.wechat.menu]]
name = "联系"
key = "联系"
[answers]
keywords = [{words = ["价格"], answer = "每台1200元"}]
"""


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
def wechat(sim: Simulator, guanxi: Run, folder: Path) -> Asked:
    """Run `guanxi wechat COMMAND wechat …`, while the platform goes on in this loop."""
    account = sim.wechat.account
    section = f"""
[channels.wechat]
kind = "wechat_oa"
app_id = "{account.app_id}"
original_id = "{account.original_id}"
app_secret_env = "SECRET"
token_env = "TOKEN"
mode = "plain"
api_base = "{sim.base_url}"
"""
    (folder / "config.toml").write_text(CONFIG + section + MENU, encoding="utf-8")

    async def run(command: str, *arguments: str, status: int = 0) -> Ended:
        environ = {"SECRET": account.app_secret, "TOKEN": account.token}
        return await asyncio.to_thread(lambda: guanxi("wechat", command, "wechat", *arguments, status=status, **environ))

    return run


async def test_followers_come_with_a_bar_and_a_summary(sim: Simulator, wechat: Asked) -> None:
    for number in range(120):
        sim.wechat.state.followers.ensure(f"o{number:03}")
    first = await wechat("followers")
    assert first.last == "关注者 120/120 人：新账号 120，新线索 120，重新关注 0，资料变化 120，取消关注 0"
    assert "█" * 30 + " 120/120" in first.stderr
    assert (await wechat("followers")).last == "关注者 120/120 人：新账号 0，新线索 0，重新关注 0，资料变化 0，取消关注 0"
    assert sim.complaints == []


async def test_a_code_is_made_once_and_listed(sim: Simulator, wechat: Asked) -> None:
    made = await wechat("qrcode", "--scene", "展会A")
    assert made.last.startswith("https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=gQSim")
    assert (await wechat("qrcode", "--scene", "展会A")).last == made.last
    await wechat("qrcode", "--scene", "展会B", "--temporary")
    lines = (await wechat("qrcode", "--list")).stdout.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [["展会A", "永久"], ["展会B", "临时"]]
    assert sim.records.count_calls("/cgi-bin/qrcode/create") == 2
    assert "请写明场景" in (await wechat("qrcode", status=2)).stderr
    sim.wechat.account.service = False
    assert "没有这个接口的权限" in (await wechat("qrcode", "--scene", "展会C", status=1)).stderr


async def test_the_menu_is_pushed_only_when_it_differs(sim: Simulator, wechat: Asked) -> None:
    assert (await wechat("menu", "show")).last == "还没有菜单"
    pushed = await wechat("menu", "push")
    assert pushed.last == "菜单已推送"
    assert "按键「联系」没有对应的关键词回答" in pushed.stdout
    assert "按键「价格」" not in pushed.stdout
    assert (await wechat("menu", "push")).last == "菜单没有变化，不用推送"
    assert sim.records.count_calls("/cgi-bin/menu/create") == 1
    assert (await wechat("menu", "show")).stdout.splitlines()[1] == "　└ 价格\tclick\t价格"
    assert (await wechat("menu", "delete")).last == "菜单已删除"
    assert sim.wechat.menu.menu is None
    assert sim.complaints == []


async def test_quota_is_shown_and_cleared_with_a_warning(sim: Simulator, wechat: Asked) -> None:
    lines = (await wechat("quota")).stdout
    assert "群发（名单）\t已用 0/100\t剩余 100\t/cgi-bin/message/mass/send" in lines
    refused = await wechat("quota", "--clear", status=1)
    assert "每月只有10次" in refused.stderr
    assert (await wechat("quota", "--clear", "--yes")).stdout.startswith("已清零")
    assert sim.records.count_calls("/cgi-bin/clear_quota") == 1


async def test_tags_media_and_mass_messages(sim: Simulator, wechat: Asked, tmp_path: Path) -> None:
    assert (await wechat("tags", "push", "VIP", status=1)).stderr
    assert "星标组" in (await wechat("tags")).stdout
    sim.wechat.tags.tags[100] = "展会"
    assert (await wechat("tags", "rename", "展会", "门店")).last == "标签「展会」已改名为「门店」"
    assert (await wechat("tags", "delete", "门店")).last == "标签「门店」已从平台删除"
    assert "没有标签" in (await wechat("tags", "delete", "门店", status=1)).stderr
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"\xff\xd8\xff picture")
    first = (await wechat("upload", str(picture))).last
    assert first.startswith("SIM")
    assert (await wechat("upload", str(picture))).last == first
    assert "视频只能是mp4" in (await wechat("upload", str(picture), "--type", "video", status=2)).stderr
    assert "打不开文件" in (await wechat("upload", "none.jpg", status=1)).stderr
    assert (await wechat("mass", "speed", "3")).last == "速度 3：每分钟 30 万条"
    assert "没有这条群发消息" in (await wechat("mass", "status", "7", status=1)).stderr
    await wechat("mass", "status", status=2)
    await wechat("mass", "preview", "1", status=2)


async def test_a_notice_needs_a_yes(sim: Simulator, wechat: Asked) -> None:
    sim.wechat.state.followers.ensure("oA")
    await wechat("followers")
    notice = ("notify", "--openid", "oA", "--template", "T1", "--set", "thing1=发货提醒")
    assert "没有同意" in (await wechat(*notice, status=1)).stderr
    assert (await wechat("notify", "--openid", "oZ", "--template", "T1", "--set", "a=b", status=1)).stderr


async def test_a_wrong_address_is_named_with_its_mend(sim: Simulator, wechat: Asked) -> None:
    sim.faults.add_errcode("/cgi-bin/stable_token", 40164, times=None)
    assert "IP 白名单" in (await wechat("quota", status=1)).stderr


async def test_wrong_names_and_silent_platforms_end_in_a_sentence(sim: Simulator, wechat: Asked, guanxi: Run) -> None:
    await sim.refuse()
    assert "连不上" in (await wechat("menu", "show", status=1)).stderr
    environ = {"SECRET": "x", "TOKEN": "y"}
    ended = await asyncio.to_thread(lambda: guanxi("wechat", "menu", "other", "show", status=2, **environ))
    assert "不是启用的公众号" in ended.stderr
