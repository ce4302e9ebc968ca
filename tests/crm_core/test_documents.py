"""Files under a record: kept in pieces, capped, taken off and put back, fetched once by a ticket."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from crm_core import customers, documents, pools, sharing
from crm_core.access import Role
from crm_core.activities import subject_of
from crm_core.daily_work_rules import DailyWorkSettings
from crm_core.documents import Document, DocumentNotReady, DocumentPart, DocumentTooLarge, clean_name
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_deal, make_lead


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def whole(row: Document) -> bytes:
    return b"".join([piece async for piece in documents.content(row)])


async def test_a_file_comes_back_as_it_was(core: Core) -> None:
    actor, peer = await make_actor(core), await make_actor(core, "小陈")
    customer = await customers.add_customer(core, actor, name="云帆科技")
    contact = await customers.add_contact(core, actor, name="李娜", customer_id=customer.id)
    row = await documents.begin(core, actor, subject_of(contact), "../报价\x00单.pdf")
    with pytest.raises(DocumentNotReady):
        await whole(row)
    content = bytes(range(256)) * 4000
    row = await documents.store(core, row, pieces(content[:700_000], content[700_000:]))
    assert (row.name, row.size_bytes, await whole(row)) == ("报价单.pdf", len(content), content)
    assert [each.id for each in await documents.of_subject(actor, subject_of(customer))] == [row.id]
    with pytest.raises(NotFound):
        await documents.load(peer, row.id)
    ticket = await documents.make_ticket(core, actor, row)
    assert (await documents.take_ticket(core, ticket)).id == row.id
    with pytest.raises(NotFound):
        await documents.take_ticket(core, ticket)
    await documents.remove(core, actor, row.id)
    with pytest.raises(NotFound):
        await documents.load(actor, row.id)
    await documents.remove(core, actor, row.id, undo=True)
    assert await whole(await documents.load(actor, row.id)) == content


async def test_too_much_or_nothing_leaves_nothing(core: Core) -> None:
    core = replace(core, settings=replace(core.settings, daily_work=DailyWorkSettings(max_file_mib=1)))
    actor = await make_actor(core)
    customer = await customers.add_customer(core, actor, name="云帆科技")
    row = await documents.begin(core, actor, subject_of(customer), "大.bin")
    with pytest.raises(DocumentTooLarge):
        await documents.store(core, row, pieces(*[b"x" * 500_000] * 3))
    with pytest.raises(Invalid):
        await documents.store(core, row, pieces())
    assert await DocumentPart.all().count() == 0


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("报价.pdf", "报价.pdf"),
        ("C:\\a\\b.doc", "b.doc"),
        ("/etc/passwd", "passwd"),
        ("..", "文件"),
        ("", "文件"),
        ("a\u202e.txt", "a.txt"),
    ],
)
def test_a_name_is_a_name(said: str, kept: str) -> None:
    assert clean_name(said) == kept


async def test_a_reader_takes_no_file_of_the_owner_off(core: Core) -> None:
    owner, reader, writer = await make_actor(core), await make_actor(core, "小陈"), await make_actor(core, "小赵")
    customer = await customers.add_customer(core, owner, name="云帆科技")
    contact = await customers.add_contact(core, owner, name="李娜", customer_id=customer.id)
    deal = await make_deal(core, owner, customer_id=customer.id)
    for peer, may_write in ((reader, False), (writer, True)):
        await sharing.share(core, owner, customer.id, peer.employee_id or 0, may_write=may_write)
    for about in (customer, contact, deal):
        row = await documents.begin(core, owner, subject_of(about), "合同.pdf")
        for undo in (False, True):
            with pytest.raises(Refused):
                await documents.remove(core, reader, row.id, undo=undo)
        assert (await documents.remove(core, writer, row.id)).removed_at is not None
        assert (await documents.remove(core, owner, row.id, undo=True)).removed_at is None
    own = await documents.begin(core, reader, subject_of(customer), "名片.png")
    assert (await documents.remove(core, reader, own.id)).removed_at is not None


async def test_files_of_the_pool_are_shown_to_whoever_claims(core: Core) -> None:
    seller, boss = await make_actor(core), await make_actor(core, "陈经理", Role.MANAGER)
    lead = await make_lead(core, name="张伟")
    row = await documents.begin(core, SYSTEM, subject_of(lead), "名片.png")
    assert [each.id for each in await documents.of_subject(boss, subject_of(lead))] == [row.id]
    assert await documents.of_subject(seller, subject_of(lead)) == []
    for verb in (documents.load(seller, row.id), documents.remove(core, seller, row.id)):
        with pytest.raises(NotFound):
            await verb
    await pools.claim(core, seller, lead.id)
    assert (await documents.load(seller, row.id)).id == row.id
    assert (await documents.remove(core, seller, row.id)).removed_at is not None
