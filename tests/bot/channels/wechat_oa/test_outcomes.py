"""The given answers of the WeChat API and what each means, through real calls."""

from datetime import timedelta

import pytest

from bot.channel import SendStatus
from bot.channels.wechat_oa.api import ApiRefused, WechatApi
from bot.channels.wechat_oa.outcomes import receipt_of
from bot.httpclient import HttpClient
from bot.platform_result import Result
from crm_core.clock import to_local
from crm_core.messages import Body, Kind
from tests.bot.channels.platform import Platform
from tests.bot.channels.vectors import Case, answer_of, by_action, cases
from tests.bot.channels.wechat_oa.made import OPENID, make_account, make_message
from tests.fakes import FakeClock

CUSTOM = "/cgi-bin/message/custom/send"
TEMPLATE = "/cgi-bin/message/template/send"
TYPING = "/cgi-bin/message/custom/typing"
ROWS = cases("outbound_errors.json", platform="wechat_mp")
rows = by_action(ROWS)


@rows("refresh_token_once")
async def test_refused_token_is_replaced_and_the_call_made_once_more(
    case: Case, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay(CUSTOM, answer_of(case), {"errcode": 0})
    account = make_account(http, clock, api_base=platform.url)
    (receipt,) = await account.send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.SENT
    assert [call.query["access_token"] for call in platform.asked(CUSTOM)] == ["token-1", "token-2"]


@rows("stop")
async def test_lasting_trouble_with_the_token_stops(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    asks_token = case["api"] == "token"
    platform.lay("/cgi-bin/stable_token" if asks_token else CUSTOM, answer_of(case))
    account = make_account(http, clock, api_base=platform.url)
    (receipt,) = await account.send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.RETRY
    assert receipt.pause_until is not None
    assert receipt.pause_until > clock.now()
    assert len(platform.asked(CUSTOM)) == (0 if asks_token else case["expect"]["max_total_attempts"])


@rows("retry_backoff", "retry_after_60s", "defer_until_quota_reset")
async def test_passing_refusal_is_tried_again_at_its_time(
    case: Case, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay(CUSTOM, answer_of(case))
    (receipt,) = await make_account(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.RETRY
    if case["expect"]["action"] == "retry_after_60s":
        assert receipt.retry_at == clock.now() + timedelta(seconds=60)
    if case["expect"]["action"] == "defer_until_quota_reset":
        assert receipt.retry_at is not None
        assert receipt.retry_at == receipt.pause_until > clock.now()
        assert to_local(receipt.retry_at).strftime("%H:%M") == "00:00"


@rows("final_window", "final_until", "final_user", "final_not", "final_bad", "final_no")
async def test_final_refusal_is_refused_or_waits_for_the_person(
    case: Case, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay(CUSTOM, answer_of(case))
    (receipt,) = await make_account(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
    waits = case["expect"]["action"] in ("final_window_closed", "final_until_user_speaks")
    assert receipt.status is (SendStatus.WINDOW_CLOSED if waits else SendStatus.REFUSED)
    assert receipt.reason
    assert not receipt.reason.startswith("errcode")
    assert len(platform.asked(CUSTOM)) == 1


@rows("final_media_gone")
async def test_media_that_is_gone_is_said(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    platform.lay("/cgi-bin/media/get", answer_of(case))
    with pytest.raises(ApiRefused) as caught:
        await WechatApi(make_account(http, clock, api_base=platform.url).sender).download_media("M1")
    assert caught.value.errcode == 40007


@rows("success_already_sent")
async def test_known_key_counts_as_sent(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    platform.lay(TEMPLATE, answer_of(case))
    message = make_message(Body(kind=Kind.TEMPLATE, template_id="T1"))
    (receipt,) = await make_account(http, clock, api_base=platform.url).send([message])
    assert (receipt.status, receipt.external_id) == (SendStatus.SENT, case["expect"]["msg_id"])


@rows("ignore")
async def test_typing_that_is_not_allowed_does_not_matter(
    case: Case, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay(TYPING, answer_of(case))
    await WechatApi(make_account(http, clock, api_base=platform.url).sender).show_typing(OPENID)
    assert platform.asked(TYPING)[0].json == {"touser": OPENID, "command": "Typing"}


@rows("unknown_outcome")
async def test_unreadable_answer_is_unknown_without_a_key_and_repeated_with_one(
    case: Case, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay(CUSTOM, answer_of(case))
    platform.lay(TEMPLATE, answer_of(case))
    account = make_account(http, clock, api_base=platform.url)
    (customer,) = await account.send([make_message(Body(text="好"))])
    template = Body(kind=Kind.TEMPLATE, template_id="T1")
    (keyed,) = await account.send([make_message(template)])
    (late,) = await account.send([make_message(template, attempt=6)])
    assert [customer.status, keyed.status, late.status] == [SendStatus.UNKNOWN, SendStatus.RETRY, SendStatus.UNKNOWN]
    keys = {call.json["client_msg_id"] for call in platform.asked(TEMPLATE)}
    assert len(keys) == 1


def test_an_unlisted_code_is_refused_with_its_number(clock: FakeClock) -> None:
    receipt = receipt_of(Result(61501, {}), clock.now())
    assert (receipt.status, receipt.reason) == (SendStatus.REFUSED, "errcode_61501")
