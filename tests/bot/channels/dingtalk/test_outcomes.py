"""The given answers of the DingTalk APIs and what each means, through real calls."""

from datetime import timedelta

import pytest

from bot.channel import SendReceipt, SendStatus
from bot.channels.dingtalk import CustomRobot
from bot.httpclient import HttpClient
from bot.secret import Secret
from crm_core.messages import Body
from tests.bot.channels.dingtalk.made import GROUP, in_an_hour, make_message, make_reply_data, make_robot
from tests.bot.channels.platform import Platform
from tests.bot.channels.vectors import Case, answer_of, by_action, cases
from tests.fakes import FakeClock

BATCH = "/v1.0/robot/oToMessages/batchSend"
TO_GROUP = "/v1.0/robot/groupMessages/send"
CUSTOM = "/robot/send"
WEBHOOK = "/robot/sendBySession"
ROWS = cases("outbound_errors.json", platform="dingtalk")
rows = by_action(ROWS)
PAUSES = {
    "retry_after_1s": timedelta(seconds=1),
    "pause_5min_all_calls": timedelta(minutes=5),
}


async def send(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> tuple[SendReceipt, str]:
    """Send one message by the call the case is about."""
    custom = CustomRobot("群", Secret(f"{platform.url}{CUSTOM}?access_token=x"), Secret("SECnotreal"))
    robot = make_robot(http, clock, platform.url, custom_robots=(custom,))
    is_custom = case["api"] == "robot/send"
    message = make_message(Body(text="好"), to="robot:群" if is_custom else "u1")
    path = CUSTOM if is_custom else BATCH
    platform.lay(path, answer_of(case))
    (receipt,) = await robot.send([message])
    return receipt, path


@rows("refresh_token_once")
async def test_refused_token_is_replaced_and_the_call_made_once_more(
    case: Case, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay(BATCH, answer_of(case), {"processQueryKey": "pk"})
    (receipt,) = await make_robot(http, clock, platform.url).send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.SENT
    tokens = [call.headers["x-acs-dingtalk-access-token"] for call in platform.asked(BATCH)]
    assert tokens == ["token-1", "token-2"]


@rows("pause_10min")
async def test_a_blocked_robot_rests_alone(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    receipt, path = await send(case, platform, http, clock)
    assert (receipt.status, receipt.retry_at) == (SendStatus.RETRY, clock.now() + timedelta(minutes=10))
    assert receipt.pause_until is None
    assert len(platform.asked(path)) == 1


@rows("final_config_error")
async def test_the_faults_of_a_robots_safety_are_told_apart(
    case: Case, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    receipt, _ = await send(case, platform, http, clock)
    words = case["response"]["body"]["errmsg"]
    expected = {"keywords": "robot_keywords", "sign": "robot_sign", "ip": "robot_ip"}
    assert receipt.reason == next(reason for word, reason in expected.items() if words.startswith(word))


@rows("retry_after_1s", "pause_5min_all_calls")
async def test_throttling_pauses_the_channel(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    receipt, path = await send(case, platform, http, clock)
    assert receipt.status is SendStatus.RETRY
    assert receipt.retry_at == receipt.pause_until == clock.now() + PAUSES[case["expect"]["action"]]
    assert len(platform.asked(path)) == 1


@rows("retry_backoff")
async def test_too_fast_is_tried_again(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    receipt, _ = await send(case, platform, http, clock)
    assert receipt.status is SendStatus.RETRY


@rows("final", "stop_and_alert_admin")
async def test_final_refusal_is_refused(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    receipt, path = await send(case, platform, http, clock)
    assert receipt.status is SendStatus.REFUSED
    assert receipt.reason
    assert not receipt.reason.startswith("code_")
    assert len(platform.asked(path)) == 1


@rows("fix_clock_and_retry_once")
async def test_refused_time_is_signed_anew_once(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    platform.lay(CUSTOM, answer_of(case), {"errcode": 0})
    receipt, _ = await send({**case, "response": {"http": 200, "body": {"errcode": 0}}}, platform, http, clock)
    assert receipt.status is SendStatus.SENT
    assert len(platform.asked(CUSTOM)) == 2


@rows("partial_success")
async def test_partial_success_settles_each_person(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    platform.lay(BATCH, answer_of(case))
    expected = case["expect"]
    people = ["u0", *expected["failed"], *expected["retry_later"]]
    messages = [make_message(Body(text="好"), to=one, number=number) for number, one in enumerate(people)]
    receipts = await make_robot(http, clock, platform.url).send(messages)
    assert [receipt.status for receipt in receipts] == [SendStatus.SENT, SendStatus.REFUSED, SendStatus.RETRY]
    assert receipts[0].external_id == expected["msg_id"]


@rows("split_batch")
async def test_batch_that_is_too_big_is_split(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    platform.lay(BATCH, answer_of(case), {"processQueryKey": "pk"})
    messages = [make_message(Body(text="好"), to=f"u{number}", number=number) for number in range(20)]
    receipts = await make_robot(http, clock, platform.url).send(messages)
    assert {receipt.status for receipt in receipts} == {SendStatus.SENT}
    assert [len(call.json["userIds"]) for call in platform.asked(BATCH)] == [20, 10, 10]


@rows("fallback_to_openapi")
async def test_refused_reply_address_falls_back(case: Case, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    platform.lay(WEBHOOK, answer_of(case))
    data = make_reply_data(f"{platform.url}{WEBHOOK}?session=s", in_an_hour(clock), group=GROUP)
    message = make_message(Body(text="好"), group=GROUP, reply_data=data)
    (receipt,) = await make_robot(http, clock, platform.url).send([message])
    assert receipt.status is SendStatus.SENT
    assert len(platform.asked(TO_GROUP)) == 1


@pytest.mark.parametrize("answer", [(502, "<html>Bad Gateway</html>"), (200, "<html>"), (500, {"code": "system.error"})])
async def test_answer_that_says_nothing_is_unknown(
    answer: tuple[int, object], platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay(BATCH, answer)
    (receipt,) = await make_robot(http, clock, platform.url).send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.UNKNOWN
