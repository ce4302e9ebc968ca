"""Subscription notices: a yes is good for one, a no in the settings ends what was left, the platform's word ends it too."""

import pytest
import pytest_asyncio

from crm_core import notice_rights
from crm_core.accounts import Account, ensure_account
from crm_core.conversations import Message
from crm_core.errors import Invalid
from crm_core.messages import Address, Kind
from crm_core.notice_rights import NoNoticeRight, NoticeRight, send_notice
from tests.factories import SYSTEM


@pytest_asyncio.fixture
async def account(core) -> Account:
    row = await core.db.run(ensure_account(core, Address("wechat", "oA")))
    return await Account.get(id=row.id)


async def answer(core, account, *, accepted=True, for_good=False) -> None:
    at = core.clock.now()
    await core.db.run(notice_rights.note_answer(account.id, "T1", accepted=accepted, for_good=for_good, at=at))


async def send(core, account, key="1", **values):
    return await send_notice(
        core, SYSTEM, account.id, **{"template_id": "T1", "data": {"thing1": "发货提醒"}, "key": key, **values}
    )


async def left(account) -> int:
    return (await NoticeRight.get(account_id=account.id)).left_count


async def test_each_yes_is_one_notice(core, account):
    with pytest.raises(NoNoticeRight):
        await send(core, account)
    assert await Message.all().count() == 0
    await answer(core, account)
    await answer(core, account)
    assert await left(account) == 2
    number = await send(core, account)
    row = await Message.get(id=number)
    assert (row.kind, row.text, row.status, row.topic) == (Kind.NOTICE.value, "发货提醒", "queued", "notice")
    assert await left(account) == 1
    assert await send(core, account) is None  # the same key: neither sent nor spent again
    assert await left(account) == 1
    await send(core, account, "2")
    with pytest.raises(NoNoticeRight):
        await send(core, account, "3")


async def test_a_no_in_the_popup_gives_nothing_and_one_in_the_settings_takes_all(core, account):
    await answer(core, account)
    await answer(core, account, accepted=False)
    assert await left(account) == 1
    await answer(core, account, accepted=False, for_good=True)
    assert await left(account) == 0
    await core.db.run(notice_rights.note_answer(account.id, "", accepted=True, for_good=False, at=core.clock.now()))
    assert await NoticeRight.all().count() == 1


async def test_the_platforms_no_ends_the_right(core, account):
    await answer(core, account)
    await core.db.run(notice_rights.end_right(account.id, "T1", core.clock.now()))
    assert await left(account) == 0


async def test_a_notice_needs_template_and_content(core, account):
    for values in ({"template_id": " "}, {"data": {}}):
        with pytest.raises(Invalid):
            await send(core, account, **values)
