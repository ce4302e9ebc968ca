"""The list of followers against the simulated platform: resumed where it stopped, never above the quota."""

from typing import Any

import pytest

from bot.channels.wechat_oa.account import WechatOa
from bot.channels.wechat_oa.api import ApiRefused, WechatApi
from bot.channels.wechat_oa.followers import DETAILS_PATH, LIST_PATH, read_follower, sync
from bot.httpclient import HttpClient
from bot.secret import Secret
from bot.simulator import Simulator
from crm_core import followers
from crm_core.accounts import Account
from crm_core.followers import PlatformSync
from crm_core.leads import Lead
from tests.bot.channels.wechat_oa.made import make_settings


def people(simulator: Simulator, count: int) -> None:
    for number in range(count):
        simulator.wechat.state.followers.ensure(f"o{number:04}")


async def test_a_run_that_fails_goes_on_where_it_was(core: Any, simulator: Simulator, api: WechatApi) -> None:
    people(simulator, 350)
    simulator.faults.add_errcode(DETAILS_PATH, -1, times=None)
    with pytest.raises(ApiRefused):
        await sync(core, "wechat", api)
    simulator.faults.clear()
    seen: list[tuple[int, int]] = []
    page = simulator.wechat.account_api.show_users
    calls = 0

    def third_fails(call: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise RuntimeError
        return page(call)

    simulator._server._handlers[DETAILS_PATH] = third_fails
    with pytest.raises(ApiRefused):
        await sync(core, "wechat", api)
    assert (await PlatformSync.get()).cursor == "o0199"
    simulator._server._handlers[DETAILS_PATH] = page
    done = await sync(core, "wechat", api, lambda now, total: seen.append((now, total)))
    assert (done.seen, done.total, done.finished, done.taken.new_leads) == (350, 350, True, 150)
    assert seen == [(300, 350), (350, 350)]
    assert await Lead.all().count() == await Account.all().count() == 350
    assert done.sentence().startswith("关注者 350/350 人：新账号 150")


async def test_never_more_calls_than_the_day_leaves(core: Any, simulator: Simulator, api: WechatApi) -> None:
    people(simulator, 350)
    simulator.wechat.state.quotas.daily[DETAILS_PATH] = 2
    first = await sync(core, "wechat", api)
    assert (first.seen, first.finished, first.out_of_quota) == (200, False, True)
    assert "下次从这里继续" in first.sentence()
    assert simulator.records.refusals == {}
    simulator.wechat.state.quotas.reset()
    assert (await sync(core, "wechat", api)).finished
    simulator.faults.add_errcode(LIST_PATH, 45009)
    assert (await sync(core, "wechat", api)).out_of_quota


async def test_a_list_shorter_than_its_total_takes_nobody_for_gone(core: Any, simulator: Simulator, api: WechatApi) -> None:
    people(simulator, 100)
    await sync(core, "wechat", api)
    core.clock.advance(86_400)
    simulator.faults.add(LIST_PATH, "answer", status=200, body={"total": 100, "count": 0, "next_openid": ""})
    done = await sync(core, "wechat", api)
    assert (done.left, done.incomplete) == (0, True)
    assert "不标记" in done.sentence()


async def test_a_second_run_waits_for_the_first(core: Any, simulator: Simulator, api: WechatApi) -> None:
    await core.db.run(followers.hold_listing("followers:wechat", core.clock.now(), followers.timedelta(seconds=25)))
    done = await sync(core, "wechat", api)
    assert done.held
    assert "正在进行" in done.sentence()
    assert simulator.records.count_calls(LIST_PATH) == 0


@pytest.mark.parametrize(
    ("row", "scene"),
    [
        ({"qr_scene_str": "展会A", "qr_scene": 0}, "展会A"),
        ({"qr_scene_str": "", "qr_scene": 88}, "88"),
        ({"qr_scene": 0}, ""),
    ],
)
def test_the_scene_is_read_as_a_follow_gives_it(row: dict, scene: str) -> None:
    told = read_follower({"openid": "oA", "subscribe": 1, "subscribe_time": 1_700_000_000, "tagid_list": [2], **row})
    assert told is not None
    assert (told.qr_scene, told.tag_ids, told.subscribed_at and told.subscribed_at.year) == (scene, (2,), 2023)


def test_who_does_not_follow_is_nobody() -> None:
    assert read_follower({"openid": "oA", "subscribe": 0}) is None
    assert read_follower({"subscribe": 1}) is None


async def test_the_night_comes_once_and_not_right_after_a_start(core: Any, simulator: Simulator, http: HttpClient) -> None:
    people(simulator, 3)
    account = simulator.wechat.account
    settings = make_settings(app_id=account.app_id, app_secret=Secret(account.app_secret), api_base=simulator.base_url)
    made = WechatOa("wechat", settings, http, core.clock)
    nightly = next(each for each in made.periodics() if each.name == "followers:wechat")
    await nightly.run(core)
    assert await Account.all().count() == 0
    core.clock.advance(nightly.every)
    await nightly.run(core)
    assert await Account.all().count() == 3
    await nightly.run(core)
    assert simulator.records.count_calls(LIST_PATH) == 2
