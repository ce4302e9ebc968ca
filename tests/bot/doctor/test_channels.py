"""Each prepared misconfiguration of a channel is told by its cause, with a mend."""

from collections.abc import Awaitable, Callable

import pytest

from bot.doctor.findings import Finding, State
from bot.secret import Secret
from bot.simulator import Simulator
from tests.bot.doctor.conftest import Look

Front = Callable[..., Awaitable[str]]


def is_bad(finding: Finding, *words: str) -> None:
    assert finding.state is State.BAD, finding
    assert finding.mend
    for word in words:
        assert word in str(finding), finding


@pytest.mark.parametrize("name", ["wechat", "dingtalk", "wecom", "kf"])
async def test_a_right_channel_is_all_good(look: Look, name: str) -> None:
    found = await look(name)
    assert {finding.state for finding in found.values()} == {State.GOOD}, [str(each) for each in found.values()]


@pytest.mark.parametrize("name", ["wechat", "wecom", "kf"])
async def test_another_token_than_the_serving_one(look: Look, name: str) -> None:
    is_bad((await look(name, token=Secret("anotherToken")))["回调"], "签名不被接受")


async def test_another_robot_secret_than_the_serving_one(look: Look) -> None:
    found = await look("dingtalk", client_secret=Secret("another"))
    is_bad(found["回调"], "签名不被接受")
    is_bad(found["凭证"], "ClientSecret")


async def test_another_aes_key(look: Look) -> None:
    found = await look("wecom", aes_key=Secret("a" * 43))
    assert found["回调"].state is State.BAD


async def test_nothing_listens(look: Look, unused_tcp_port: int) -> None:
    is_bad((await look("wechat", url=f"http://127.0.0.1:{unused_tcp_port}"))["回调"], "连接被拒绝", "serve")


async def test_a_wrong_path_behind_nginx(look: Look, front: Front) -> None:
    is_bad((await look("wechat", url=await front(404)))["回调"], "没有这个地址", "/hook/")


async def test_nginx_without_a_product_behind(look: Look, front: Front) -> None:
    is_bad((await look("wecom", url=await front(502, "<html>Bad Gateway</html>")))["回调"], "网关返回 502")


async def test_another_site_answers(look: Look, front: Front) -> None:
    is_bad((await look("kf", url=await front(200, "<html>Welcome to nginx</html>")))["回调"], "网页")


async def test_the_address_redirects(look: Look, front: Front) -> None:
    is_bad((await look("dingtalk", url=await front(301, Location="https://example.cn/")))["回调"], "跳转")


async def test_https_without_a_certificate(look: Look, front: Front) -> None:
    url = (await front(200)).replace("http://", "https://")
    is_bad((await look("wechat", url=url))["回调"], "HTTPS")


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("wechat", {"app_id": "wxNobody"}, "AppID 不对"),
        ("wechat", {"app_secret": Secret("wrong")}, "AppSecret 不对"),
        ("wecom", {"secret": Secret("wrong")}, "Secret 不对"),
        ("kf", {"secret": Secret("wrong")}, "Secret 不对"),
        ("dingtalk", {"client_id": "nobody"}, "ClientID"),
    ],
)
async def test_wrong_credentials(look: Look, name: str, changes: dict[str, object], words: str) -> None:
    is_bad((await look(name, **changes))["凭证"], words)


async def test_an_unlisted_address_at_wechat(look: Look, simulator: Simulator) -> None:
    said = "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: x"
    simulator.faults.add_errcode("/cgi-bin/stable_token", 40164, said)
    found = await look("wechat")
    is_bad(found["凭证"], "白名单", "203.0.113.7")
    assert found["额度"].state is State.UNSEEN


async def test_an_untrusted_address_at_wecom(look: Look, simulator: Simulator) -> None:
    simulator.options.wecom_trusted = False
    is_bad((await look("wecom"))["应用"], "可信 IP", "127.0.0.1")


async def test_an_application_without_a_right(look: Look, simulator: Simulator) -> None:
    simulator.faults.add_errcode("/wecom/cgi-bin/externalcontact/get_follow_user_list", 48002, times=None)
    is_bad((await look("wecom"))["客户联系"], "没有这个接口的权限")


async def test_another_agent(look: Look) -> None:
    assert (await look("wecom", agent_id=7))["应用"].state is State.BAD


async def test_another_customer_service_account(look: Look) -> None:
    is_bad((await look("kf", open_kfid="wkNobody"))["客服账号"], "wkNobody")


async def test_a_used_up_quota(look: Look, simulator: Simulator) -> None:
    quota = {"errcode": 0, "quota": {"daily_limit": 500, "used": 490, "remain": 10}}
    simulator.faults.add("/cgi-bin/openapi/quota/get", "answer", status=200, body=quota)
    finding = (await look("wechat"))["额度"]
    assert finding.state is State.DOUBTFUL
    assert "10/500" in finding.cause


async def test_the_month_of_dingtalk_is_used_up(look: Look, simulator: Simulator) -> None:
    simulator.faults.add_code("/v1.0/oauth2/accessToken", "Forbidden.AccessDenied.ApiCountLimitForOrg")
    is_bad((await look("dingtalk"))["凭证"], "本月的接口次数用完了")


async def test_stream_instead_of_a_callback(look: Look) -> None:
    assert (await look("dingtalk", receive="stream"))["Stream"].state is State.GOOD
    is_bad((await look("dingtalk", receive="stream", client_secret=Secret("wrong")))["Stream"], "钉钉")


async def test_a_platform_that_cannot_be_reached(look: Look, simulator: Simulator, unused_tcp_port: int) -> None:
    is_bad((await look("wechat", api_base=f"http://127.0.0.1:{unused_tcp_port}"))["凭证"], "连不上微信")


async def test_a_proxy_in_between(look: Look, simulator: Simulator) -> None:
    simulator.faults.add("/wecom/cgi-bin/gettoken", "html", times=None)
    is_bad((await look("wecom"))["凭证"], "不是 JSON")
