"""The given answers of the WeCom API and what each means, through real calls."""

from datetime import timedelta

from bot.channel import SendStatus
from bot.channels.wecom.outcomes import receipt_of
from bot.httpclient import HttpClient
from bot.platform_result import Result
from campaigns.group_sends import Chunk
from crm_core.messages import Body
from crm_core.ports import Core
from tests.bot.channels.platform import HANG_UP, Platform
from tests.bot.channels.vectors import Case, answer_of, by_action, cases
from tests.bot.channels.wecom.made import make_application, make_message
from tests.fakes import FakeClock

SEND = "/cgi-bin/message/send"
WELCOME = "/cgi-bin/externalcontact/send_welcome_msg"
TASK = "/cgi-bin/externalcontact/add_msg_template"
ROWS = [
    case
    for case in cases("outbound_errors.json", platform="wecom")
    if not case["api"].startswith(("kf/", "webhook/"))  # those are other kinds'
]
rows = by_action(ROWS)


def welcome(clock: FakeClock, *, attempt: int = 1, left: int = 20) -> object:
    data = {"welcome_code": "W", "welcome_deadline": int(clock.now().timestamp()) + left}
    return make_message(Body(text="您好"), to="wmX", reply_data=data, attempt=attempt)


def test_every_given_row_is_looked_at() -> None:
    looked_at = ("refresh", "defer_60s", "reduce", "stop", "partial", "final", "retry_within")
    assert all(case["expect"]["action"].startswith(looked_at) for case in ROWS)


@rows("refresh_token_once")
async def test_refused_token_is_replaced_and_the_call_made_once_more(
    case: Case, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay("/cgi-bin/gettoken", *({"errcode": 0, "access_token": f"token-{n}", "expires_in": 7200} for n in (1, 2)))
    platform.lay(SEND, answer_of(case), {"errcode": 0, "msgid": "M"})
    (receipt,) = await make_application(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
    assert (receipt.status, receipt.external_id) == (SendStatus.SENT, "M")
    assert [call.query["access_token"] for call in platform.asked(SEND)] == ["token-1", "token-2"]


@rows("refresh_token_once")
async def test_lasting_trouble_with_the_token_stops(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    lay_token(platform)
    platform.lay(SEND, answer_of(case))
    (receipt,) = await make_application(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.RETRY
    assert receipt.pause_until is not None
    assert len(platform.asked(SEND)) == case["expect"]["max_total_attempts"]


def lay_token(platform: Platform) -> None:
    platform.lay("/cgi-bin/gettoken", {"errcode": 0, "access_token": "t", "expires_in": 7200})


@rows("defer_60s", "reduce_concurrency", "stop")
async def test_passing_refusal_rests_the_channel(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    lay_token(platform)
    platform.lay(SEND, answer_of(case))
    application = make_application(http, clock, api_base=platform.url)
    (receipt,) = await application.send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.RETRY
    assert receipt.retry_at == receipt.pause_until
    waits = receipt.retry_at - clock.now()  # type: ignore[operator]
    expected = {"defer_60s_then_backoff": 60, "reduce_concurrency_and_retry": 1, "stop_and_alert_admin": 600}
    assert waits == timedelta(seconds=expected[case["expect"]["action"]])
    if case["expect"]["action"] == "defer_60s_then_backoff":
        again = receipt_of(Result(45009, {}), clock.now(), attempt=3)
        assert again.retry_at == clock.now() + timedelta(seconds=240)


@rows("partial_success")
async def test_those_named_got_nothing_and_the_others_did(
    case: Case, platform: Platform, http: HttpClient, clock: FakeClock, core: Core
) -> None:
    lay_token(platform)
    failed = case["expect"]["failed"]
    application = make_application(http, clock, api_base=platform.url)
    if case["api"] == "message/send":
        platform.lay(SEND, answer_of(case))
        people = ["U1", *(user.upper() for user in failed)]
        receipts = await application.send([make_message(Body(text="好"), to=user, key=user) for user in people])
        assert [receipt.status for receipt in receipts] == [SendStatus.SENT] + [SendStatus.REFUSED] * len(failed)
        assert platform.asked(SEND)[0].json["touser"] == "|".join(people)
        return
    platform.lay(TASK, answer_of(case))
    chunk = Chunk(1, "zhangsan", "新品", {"wmA": 1, "wmX": 2})
    receipt, found = await application.group_sends._make(core, chunk)
    assert (receipt.status, receipt.external_id, found) == (SendStatus.SENT, "msgG1", failed)
    assert platform.asked(TASK)[0].json["external_userid"] == ["wmA", "wmX"]


@rows("final")
async def test_final_refusal_is_refused_with_a_word(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    lay_token(platform)
    platform.lay(WELCOME if "welcome" in case["api"] else SEND, answer_of(case))
    message = welcome(clock) if "welcome" in case["api"] else make_message(Body(text="好"))
    (receipt,) = await make_application(http, clock, api_base=platform.url).send([message])  # type: ignore[list-item]
    assert receipt.status is SendStatus.REFUSED
    assert receipt.reason
    assert not receipt.reason.startswith("errcode")


@rows("retry_within_20s")
async def test_a_welcome_under_way_is_tried_again_while_its_code_lasts(
    case: Case, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    lay_token(platform)
    platform.lay(WELCOME, answer_of(case))
    application = make_application(http, clock, api_base=platform.url)
    (receipt,) = await application.send([welcome(clock)])  # type: ignore[list-item]
    assert receipt.status is SendStatus.RETRY
    (late,) = await application.send([welcome(clock, left=0)])  # type: ignore[list-item]
    assert (late.status, late.reason) == (SendStatus.REFUSED, "too_late")
    assert len(platform.asked(WELCOME)) == 1


async def test_a_welcome_that_an_unanswered_try_delivered_counts_as_sent(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    lay_token(platform)
    platform.lay(WELCOME, HANG_UP, {"errcode": 41051, "errmsg": "started chatting"})
    application = make_application(http, clock, api_base=platform.url)
    (first,) = await application.send([welcome(clock)])  # type: ignore[list-item]
    (second,) = await application.send([welcome(clock, attempt=2)])  # type: ignore[list-item]
    assert [first.status, second.status] == [SendStatus.RETRY, SendStatus.SENT]


async def test_a_bad_secret_is_for_the_admin_and_no_call_is_made(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay("/cgi-bin/gettoken", {"errcode": 40001, "errmsg": "invalid credential"})
    (receipt,) = await make_application(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
    assert (receipt.status, receipt.reason) == (SendStatus.RETRY, "needs_admin_errcode_40001")
    assert not platform.asked(SEND)


async def test_an_unanswered_send_is_repeated_under_the_check_for_a_while(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    lay_token(platform)
    platform.lay(SEND, (502, "<html>"))
    application = make_application(http, clock, api_base=platform.url)
    (early,) = await application.send([make_message(Body(text="好"))])
    (late,) = await application.send([make_message(Body(text="好"), attempt=6)])
    assert [early.status, late.status] == [SendStatus.RETRY, SendStatus.UNKNOWN]
    one, two = (call.json for call in platform.asked(SEND))
    assert one == two
    assert (one["enable_duplicate_check"], one["duplicate_check_interval"]) == (1, 14_400)


def test_an_unlisted_code_is_refused_with_its_number(clock: FakeClock) -> None:
    receipt = receipt_of(Result(61501, {}), clock.now())
    assert (receipt.status, receipt.reason) == (SendStatus.REFUSED, "errcode_61501")
