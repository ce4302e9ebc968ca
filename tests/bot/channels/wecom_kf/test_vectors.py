"""The given cases of WeCom that concern customer service, through the real gateway where a case is a request."""

from datetime import timedelta

import pytest

from bot.channel import SendStatus
from bot.channels.wecom_kf import WecomKf
from bot.httpclient import HttpClient
from bot.secret import Secret
from crm_core.accounts import Account
from crm_core.messages import Body, Kind
from tests.bot.channels.platform import Platform
from tests.bot.channels.through_gateway import ServeThrough, ask
from tests.bot.channels.vectors import Case, answer_of, case_id, cases, clock_of
from tests.bot.channels.wecom_kf.made import KFID, PERSON, make_channel, make_message
from tests.fakes import FakeClock

SEND = "/cgi-bin/kf/send_msg"
GENUINE = [case for case in cases("wecom_inbound.json") if case["expect"]["parsed"]["type"] == "kf_msg_or_event"]
HANDSHAKES = cases("wecom_crypto.json", "http")
HOSTILE = cases("hostile.json", "hostile", platform="wecom")
ERRORS = cases("outbound_errors.json", platform="wecom")


def channel_of(case: Case, http: HttpClient) -> WecomKf:
    config = case["config"]
    secrets = {"token": Secret(config["token"]), "aes_key": Secret(config["encoding_aes_key"])}
    return make_channel(http, clock_of(case), corp_id=config["corpid"], **secrets)


@pytest.mark.parametrize("case", GENUINE, ids=case_id)
async def test_event_is_stored_as_nobodys_and_acknowledged(case: Case, through: ServeThrough, http: HttpClient) -> None:
    served = await through(channel_of(case, http))
    expected = case["expect"]
    for _ in range(2):  # the platform repeats it now and then
        status, body, _ = await ask(served.url, case["request"])
        assert (status, body) == (expected["status"], b"")
    (message,) = served.messages
    assert (message.key, message.kind, message.event) == (expected["dedupe_key"], Kind.EVENT, expected["parsed"]["type"])
    assert (message.data["token"], message.data["open_kfid"]) == (
        expected["parsed"]["kf_token"],
        expected["parsed"]["open_kfid"],
    )
    assert int(message.at.timestamp()) == expected["parsed"]["create_time"]
    assert not message.address.external_id
    assert await Account.all().count() == 0


@pytest.mark.parametrize("case", GENUINE, ids=case_id)
async def test_event_of_another_account_is_acknowledged_and_ignored(
    case: Case, through: ServeThrough, http: HttpClient
) -> None:
    channel = make_channel(http, clock_of(case), open_kfid="wkAnother")
    served = await through(channel)
    assert (await ask(served.url, case["request"]))[:2] == (200, b"")
    assert served.messages == []


@pytest.mark.parametrize("case", HANDSHAKES, ids=case_id)
async def test_address_verification(case: Case, through: ServeThrough, http: HttpClient) -> None:
    served = await through(channel_of(case, http))
    status, body, headers = await ask(served.url, case["request"])
    assert status == case["expect"]["status"]
    if "body" in case["expect"]:
        assert body == case["expect"]["body"].encode()
        assert headers["Content-Type"].startswith(case["expect"]["content_type_prefix"])
    assert served.messages == []


@pytest.mark.parametrize("case", HOSTILE, ids=case_id)
async def test_hostile_request_is_refused_and_leaves_nothing(case: Case, through: ServeThrough, http: HttpClient) -> None:
    served = await through(channel_of(case, http))
    status, _, _ = await ask(served.url, case["request"])
    assert status in [case["expect"]["status"], *case["expect"].get("status_alternatives", [])]
    assert served.messages == []


def rows(*ids: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [case for case in ERRORS if case["id"] in ids], ids=case_id)


@rows("OUT-030", "OUT-031")
async def test_refused_token_is_replaced_once(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    platform.lay("/cgi-bin/gettoken", *({"access_token": f"t{n}", "expires_in": 7200} for n in (1, 2, 3)))
    platform.lay(SEND, answer_of(case), {"errcode": 0, "msgid": "M"})
    (receipt,) = await make_channel(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.SENT
    assert [call.query["access_token"] for call in platform.asked(SEND)] == ["t1", "t2"]
    assert len({call.json["msgid"] for call in platform.asked(SEND)}) == 1


@rows("OUT-030", "OUT-031")
async def test_token_that_stays_refused_stops(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    platform.lay("/cgi-bin/gettoken", *({"access_token": f"t{n}", "expires_in": 7200} for n in range(9)))
    platform.lay(SEND, answer_of(case))
    (receipt,) = await make_channel(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.RETRY
    assert receipt.pause_until
    assert len(platform.asked(SEND)) == case["expect"]["max_total_attempts"]


@rows("OUT-032", "OUT-033", "OUT-034")
async def test_passing_refusal_is_tried_again_later(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    lay_token(platform)
    platform.lay(SEND, answer_of(case))
    (receipt,) = await make_channel(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.RETRY
    assert receipt.retry_at
    if case["id"] == "OUT-032":
        assert receipt.retry_at == clock.now() + timedelta(seconds=60)
    if case["id"] != "OUT-033":
        assert receipt.pause_until == receipt.retry_at


@rows("OUT-040", "OUT-041", "OUT-042")
async def test_closed_window_waits_for_the_customer_and_a_session_is_final(
    case: Case, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    lay_token(platform)
    platform.lay(SEND, answer_of(case))
    platform.lay("/cgi-bin/kf/service_state/get", {"errcode": 0, "service_state": 3, "servicer_userid": "li"})
    (receipt,) = await make_channel(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
    waits = case["id"] != "OUT-042"
    assert receipt.status is (SendStatus.WINDOW_CLOSED if waits else SendStatus.REFUSED)
    assert receipt.reason
    assert not receipt.reason.startswith("errcode")


@rows("OUT-043")
async def test_bad_event_token_is_left_out(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    lay_token(platform)
    platform.lay("/cgi-bin/kf/sync_msg", answer_of(case))
    result = await make_channel(http, clock, api_base=platform.url).calls.sync("C1", "T1", limit=10)
    assert result is not None
    assert result.errcode == 95007
    assert platform.asked("/cgi-bin/kf/sync_msg")[0].json == {
        "cursor": "C1",
        "token": "T1",
        "limit": 10,
        "voice_format": 0,
        "open_kfid": KFID,
    }


@rows("OUT-046")
async def test_unknown_customer_is_final(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    lay_token(platform)
    platform.lay(SEND, answer_of(case))
    (receipt,) = await make_channel(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
    assert (receipt.status, receipt.reason) == (SendStatus.REFUSED, "bad_recipient")
    assert platform.asked(SEND)[0].json["touser"] == PERSON


def lay_token(platform: Platform) -> None:
    platform.lay("/cgi-bin/gettoken", {"access_token": "t1", "expires_in": 7200})
