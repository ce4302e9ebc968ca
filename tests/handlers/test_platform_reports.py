"""Reports of the platform: a mass call's concerns nobody's account; yes and no to notices become rights."""

from dataclasses import replace

from campaigns.platform_results import PlatformResult
from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.messages import Kind
from crm_core.notice_rights import NoticeRight
from crm_core.ports import AnswerRule, AnswerSettings, Core
from tests.handlers.conftest import Talker


async def event(customer: Talker, name: str, **data: object) -> str:
    return await customer.says("", kind=Kind.EVENT, event=name, data=data)


async def test_a_mass_report_is_kept_and_makes_no_account(core: Core, customer: Talker) -> None:
    data = {"job_msg_id": "9", "raw_status": "send success", "total": 3, "filtered": 3, "sent": 2, "errors": 1}
    assert await event(customer, "masssendjobfinish", **data) == ""
    await event(customer, "freepublishjobfinish", publish_id="7")
    row = await PlatformResult.get()
    assert (row.external_id, row.total_count, row.sent_count, row.error_count) == ("9", 3, 2, 1)
    assert await Account.all().count() == 0
    assert await Message.filter(kind="event", status="done").count() == 2


async def test_answers_to_notices_become_rights_and_a_failed_notice_ends_them(core: Core, customer: Talker) -> None:
    items = [{"template_id": "T1", "status": "accept"}, {"template_id": "T2", "status": "reject"}]
    await event(customer, "subscribe_msg_popup_event", items=items)
    await event(customer, "subscribe_msg_popup_event", items=items[:1])
    assert [(row.template_id, row.left_count) for row in await NoticeRight.all().order_by("id")] == [("T1", 2), ("T2", 0)]
    sent = {"template_id": "T1", "job_msg_id": "5", "error_code": 0, "error_status": "success"}
    await event(customer, "subscribe_msg_sent_event", items=[sent])
    assert (await NoticeRight.get(template_id="T1")).left_count == 2
    await event(customer, "subscribe_msg_sent_event", items=[{**sent, "error_code": 43101, "error_status": "refused"}])
    assert (await NoticeRight.get(template_id="T1")).left_count == 0
    await event(customer, "subscribe_msg_change_event", items=[{"template_id": "T1", "status": "accept"}])
    await event(customer, "subscribe_msg_change_event", items=[{"template_id": "T1", "status": "reject"}])
    assert (await NoticeRight.get(template_id="T1")).left_count == 0
    await event(customer, "subscribe_msg_change_event", items="odd")


async def test_a_failed_template_message_is_kept_until_its_send_is_known(core: Core, customer: Talker) -> None:
    await event(customer, "templatesendjobfinish", job_msg_id="5", raw_status="success", delivered=True)
    assert await PlatformResult.all().count() == 0
    await event(customer, "templatesendjobfinish", job_msg_id="5", raw_status="failed:user block", delivered=False)
    assert (await PlatformResult.get()).kind == "template"


async def test_a_click_gives_the_keyword_answer_of_its_key_or_nothing(core: Core, customer: Talker) -> None:
    rules = AnswerSettings(keywords=(AnswerRule(("价格",), "每台1200元"),))
    customer.core = replace(core, settings=replace(core.settings, answers=rules))
    for name in ("click", "scancode_waitmsg"):
        assert await event(customer, name, event_key="价格") == "每台1200元"
    assert await event(customer, "click", event_key="别的") == ""
    assert await event(customer, "click", event_key="") == ""
    assert (await Account.get()).event_window_at is not None
