"""Events and history of a customer-service account, taken in the transaction that records them."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from campaigns.platform_results import apply_waiting
from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.leads import Lead
from crm_core.messages import Address, Body, InboundMessage, Kind
from crm_core.outbox import DatabaseOutbox
from crm_core.ports import Core, Program
from crm_core.reach import ReachRule, Window
from handlers.pipeline import take
from handlers.service_desk import list_nameless, name_person
from tests.factories import make_employee

PERSON = Address("kf", "wm1")
RULE = ReachRule(message=Window(5, timedelta(hours=48)))


@pytest.fixture
def desk(core: Core) -> Core:
    """The core with a customer-service account whose window counts."""
    made = replace(core, reach={"kf": RULE})
    assert isinstance(made.outbox, DatabaseOutbox)
    made.outbox.bind(made)
    return made


async def arrive(desk: Core, event: str = "", text: str = "", key: str = "k", **data: object) -> InboundMessage:
    kind = Kind.EVENT if event else Kind.TEXT
    at = data.pop("at", desk.clock.now())
    assert isinstance(at, datetime)
    address = data.pop("address", PERSON)
    assert isinstance(address, Address)
    message = InboundMessage(address, key + event + text, kind, at, text=text, event=event, external_id=key, data=data)
    await desk.db.run(take(desk, message, passive=False))
    return message


async def sent_to(desk: Core) -> list[str]:
    messages = await desk.outbox.claim("kf", 10, timedelta(seconds=30))  # type: ignore[attr-defined]
    return [message.body.text for message in messages]


async def test_entering_makes_a_lead_of_the_scene_and_one_welcome(desk: Core) -> None:
    for _ in range(2):
        await arrive(desk, "enter_session", scene="expo", scene_param="x", code="W", code_seconds=20)
    (lead,) = await Lead.all()
    account = await Account.get(channel="kf")
    assert (lead.source, account.person_id) == ("expo", lead.person_id)
    assert account.followed_at == desk.clock.now()
    claimed = await desk.outbox.claim("kf", 10, timedelta(seconds=30))  # type: ignore[attr-defined]
    assert [(each.body.text, each.reply_data["code"]) for each in claimed] == [(desk.settings.answers.welcome, "W")]


async def test_entering_by_a_parameter_alone_names_the_source_so(desk: Core) -> None:
    await arrive(desk, "enter_session", scene="", scene_param="stand=7")
    assert (await Lead.get()).source == "stand=7"
    assert await sent_to(desk) == []


async def test_welcome_that_is_too_late_is_not_tried(desk: Core, clock) -> None:
    await arrive(desk, "enter_session", code="W", code_seconds=20)
    clock.advance(31)
    assert await sent_to(desk) == []
    assert await Message.filter(direction="out", status="expired").count() == 1


async def test_message_on_an_event_spends_no_window(desk: Core) -> None:
    await arrive(desk, text="在吗")
    account = await Account.get(channel="kf")
    before = (account.message_window_used, await sent_to(desk))
    await arrive(desk, "session_status_change", change_type=3, code="C", code_seconds=20)
    assert await sent_to(desk) == [desk.settings.answers.session_end]
    assert (await Account.get(channel="kf")).message_window_used == before[0] + 1


async def test_taking_over_is_only_noted(desk: Core) -> None:
    await arrive(desk, "session_status_change", change_type=1, code="C", code_seconds=172800)
    assert await sent_to(desk) == []


@pytest.mark.parametrize("known_by", ["fail_msgid", "message_key"])
async def test_failed_send_is_found_by_id_or_key(desk: Core, known_by: str) -> None:
    await arrive(desk, text="在吗")
    account = await Account.get(channel="kf")
    await desk.outbox.put(PERSON, Body(text="报价"), key="quote", account_id=account.id)
    await Message.filter(key="quote").update(status="sent", external_id="M1")
    data = {"fail_msgid": "M1"} if known_by == "fail_msgid" else {"fail_msgid": "other", "message_key": "quote"}
    await arrive(desk, "msg_send_fail", fail_type=10, **data)
    row = await Message.get(key="quote")
    assert (row.status, row.reason) == ("failed", "user_blocked")


async def test_failed_message_of_a_broadcast_is_failed(desk: Core) -> None:
    await arrive(desk, text="在吗")
    account, now = await Account.get(channel="kf"), desk.clock.now()

    def insert() -> Program[None]:
        yield (
            "INSERT INTO recipients (broadcast_id, person_id, account_id, status, external_id, text, attempts, claimed_at,"
            " created_at, updated_at) VALUES (1, ?, ?, 'sent', 'B1', '', 1, ?, ?, ?)",
            (account.person_id, account.id, now, now, now),
        )

    def look() -> Program[list[tuple[str, str]]]:
        return (yield "SELECT status, reason FROM recipients", ())

    await desk.db.run(insert())
    await arrive(desk, "msg_send_fail", fail_type=10, fail_msgid="B1")
    assert [tuple(row) for row in await desk.db.read(look())] == [("failed", "user_blocked")]


async def test_failure_told_before_the_send_is_settled_waits_for_it(desk: Core) -> None:
    """Another process sends than pulls, so that neither id nor key is known here yet."""
    await arrive(desk, text="在吗")
    account = await Account.get(channel="kf")
    await arrive(desk, "msg_send_fail", fail_type=10, fail_msgid="M9")
    await desk.outbox.put(PERSON, Body(text="报价"), key="quote", account_id=account.id)
    await Message.filter(key="quote").update(status="sent", external_id="M9")
    await apply_waiting(desk)
    assert (await Message.get(key="quote")).status == "failed"


@pytest.mark.parametrize(("minutes", "stays"), [(0, False), (-5, True)])
async def test_failure_for_the_window_closes_it_unless_a_newer_one_is_open(desk: Core, minutes: int, stays: bool) -> None:
    await arrive(desk, text="在吗")
    at = desk.clock.now() + timedelta(minutes=minutes)
    await arrive(desk, "msg_send_fail", fail_type=4, fail_msgid="M", at=at)
    assert ((await Account.get(channel="kf")).message_window_at is not None) is stays


async def test_unlisted_failure_keeps_its_number(desk: Core) -> None:
    await arrive(desk, text="在吗")
    account = await Account.get(channel="kf")
    await desk.outbox.put(PERSON, Body(text="报价"), key="quote", account_id=account.id)
    await arrive(desk, "msg_send_fail", fail_type=99, fail_msgid="", message_key="quote")
    assert (await Message.get(key="quote")).reason == "fail_type_99"


async def test_switch_against_messages_is_leaving_and_coming_back(desk: Core) -> None:
    await arrive(desk, text="在吗")
    await arrive(desk, "reject_customer_msg_switch_change", key="s1", reject_switch=1)
    account = await Account.get(channel="kf")
    assert account.unfollowed_at is not None
    assert account.message_window_at is None
    await arrive(desk, "reject_customer_msg_switch_change", key="s2", reject_switch=0)
    assert (await Account.get(channel="kf")).unfollowed_at is None


@pytest.mark.parametrize("event", ["servicer_status_change", "kf_msg_or_event"])
async def test_event_about_nobody_makes_no_account(desk: Core, event: str) -> None:
    await arrive(desk, event, address=Address("kf", ""))
    assert await Account.all().count() == 0
    row = await Message.get()
    assert (row.status, row.kind, row.account_id) == ("done", "event", None)


async def test_history_makes_a_lead_quietly_and_is_not_answered(desk: Core) -> None:
    await make_employee(desk, staff_id="w1")
    await arrive(desk, text="前天问的", history="before", at=desk.clock.now() - timedelta(days=2))
    assert await Lead.all().count() == 1
    assert await Message.filter(direction="out").count() == 0
    assert (await Account.get(channel="kf")).message_window_at == desk.clock.now() - timedelta(days=2)


async def test_late_message_tells_the_owner_and_answers_nobody(desk: Core) -> None:
    seller = await make_employee(desk, staff_id="w1")
    await arrive(desk, text="你好", key="k1")
    await Lead.all().update(owner_id=seller.id)
    await Message.filter(direction="out").delete()
    await arrive(desk, text="还在吗", key="k2", history="late", at=desk.clock.now() - timedelta(hours=49))
    (notice,) = await Message.filter(direction="out")
    assert notice.channel == "dingtalk"
    assert "还在吗" in notice.text


async def test_word_of_consent_counts_in_history(desk: Core) -> None:
    await arrive(desk, text="退订", history="before")
    assert (await Account.get(channel="kf")).opted_out_at is not None


async def test_history_of_an_employee_moves_nothing(desk: Core) -> None:
    employee = await make_employee(desk)
    await Account.add(desk, channel="kf", external_id="wm1", person_kind="employee", person_id=employee.person_id)
    await arrive(desk, text="删除客户", history="before")
    await arrive(desk, "enter_session", code="W", code_seconds=20)
    assert await Lead.all().count() == 0
    assert await Message.filter(direction="out").count() == 0


async def test_words_of_a_colleague_are_outgoing_and_kept_once(desk: Core) -> None:
    for _ in range(2):
        await arrive(desk, text="我来看看", history="house", servicer="li")
    (row,) = await Message.all()
    assert (row.direction, row.status, row.text) == ("out", "sent", "我来看看")
    assert row.account_id == (await Account.get(channel="kf")).id
    assert await Lead.all().count() == 0


async def test_name_told_later_replaces_the_placeholder_alone(desk: Core) -> None:
    await arrive(desk, text="在吗")
    assert await desk.db.read(list_nameless("kf", ["wm1", "wm2"])) == ["wm1", "wm2"]
    await desk.db.run(name_person(desk, "kf", "wm1", "陈晨"))
    assert (await Lead.get()).name == "陈晨"
    assert await desk.db.read(list_nameless("kf", ["wm1", "wm2"])) == ["wm2"]
    await Lead.all().update(name="陈晨（大客户）")
    await Account.all().update(nickname="")
    await desk.db.run(name_person(desk, "kf", "wm1", "晨晨"))
    assert (await Lead.get()).name == "陈晨（大客户）"
