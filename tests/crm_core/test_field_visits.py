"""What hangs on a person or customer of the daily work goes along when they are merged, and goes when they are erased."""

from collections.abc import AsyncIterator

from bot.erasures import holdings
from crm_core import customers, documents, mails, merging, outings, personal_data, work_reports
from crm_core.activities import FollowUp, subject_of
from crm_core.documents import Document, DocumentPart
from crm_core.employees import actor_of
from crm_core.field_visits import FieldVisit
from crm_core.mails import Mail, MailAddress, Received
from crm_core.outings import Stop
from crm_core.ports import Core
from crm_core.work_reports import ReportKind, WorkReport
from tests.factories import SYSTEM, make_employee, make_lead


async def content() -> AsyncIterator[bytes]:
    yield b"quote"


async def fill(core: Core) -> tuple[int, int, int]:
    """A person with an outing, a file and a mail; gives their lead, their person number and the employee."""
    seller = await make_employee(core)
    actor = await actor_of(seller)
    lead = await make_lead(core, owner_id=seller.id, email="zhang@wei.cn")
    visit = await outings.register(core, actor, Stop("", core.clock.now(), subject_of(lead)))
    await outings.check_in(core, actor, visit.id, position="31.2,121.4")
    await documents.store(core, await documents.begin(core, actor, subject_of(lead), "张伟报价.pdf"), content())
    await mails.set_address(core, actor, seller.id, "wang@example.cn")
    await mails.take(core, Received("d1", "wang@example.cn", ("zhang@wei.cn",), "报价", "您好"))
    await work_reports.submit(core, actor, ReportKind.DAILY, "拜访了张伟")
    return lead.id, lead.person_id, seller.id


async def test_it_goes_along_when_leads_are_merged(core: Core) -> None:
    lead_id, _, seller_id = await fill(core)
    keep = await make_lead(core, "张伟", owner_id=seller_id)
    await merging.merge(core, SYSTEM, "lead", keep.id, lead_id)
    for model in (FieldVisit, Document, Mail):
        assert [row.subject_id for row in await model.all()] == [keep.id], model


async def test_nothing_of_a_person_is_left_when_they_are_erased(core: Core) -> None:
    _, person_id, _ = await fill(core)
    given = await personal_data.export(core, SYSTEM, person_id, holdings())
    assert {"visits", "documents", "document_parts", "mails", "follow_ups"} <= given.keys()
    await personal_data.erase(core, SYSTEM, person_id, holdings())
    for model in (FieldVisit, Document, DocumentPart, Mail, FollowUp):
        assert await model.all().count() == 0, model
    assert "张伟" not in (await WorkReport.get()).text


async def test_what_an_employee_leaves_behind_tells_no_place(core: Core) -> None:
    _, _, seller_id = await fill(core)
    seller = await make_employee(core, "小陈")
    assert await customers.Customer.all().count() == 0
    row = await FieldVisit.get()
    await row.change(core, subject_kind="", subject_id=None, employee_id=seller.id)
    await seller.change(core, departed_at=core.clock.now())
    await personal_data.erase(core, SYSTEM, seller.person_id, holdings())
    assert (await FieldVisit.get()).position == ""
    assert await MailAddress.filter(employee_id=seller_id).count() == 1
