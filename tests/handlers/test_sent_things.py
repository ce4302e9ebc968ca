"""What is sent without words, what is spoken, and what is missing: each is handled as it was meant."""

from datetime import timedelta

import pytest

from crm_core.activities import FollowUp
from crm_core.field_visits import FieldVisit
from crm_core.leads import Lead
from crm_core.messages import InboundMessage, Kind
from crm_core.ports import Core
from handlers import sent_things
from tests.factories import make_lead
from tests.fakes import FakeClock
from tests.handlers.conftest import Staff


def message(chat: Staff, kind: Kind, name: str = "") -> InboundMessage:
    return chat.message("", kind=kind, data={"file_name": name} if name else {})


@pytest.mark.parametrize(
    ("kind", "name", "meant"),
    [
        (Kind.FILE, "展会.XLSX", sent_things.IMPORT),
        (Kind.FILE, "线索.csv", sent_things.IMPORT),
        (Kind.FILE, "", sent_things.IMPORT),
        (Kind.FILE, "报价.pdf", sent_things.FILING),
        (Kind.FILE, "合同.docx", sent_things.FILING),
        (Kind.IMAGE, "", sent_things.FILING),
        (Kind.VIDEO, "", sent_things.FILING),
        (Kind.LOCATION, "", sent_things.CHECK_IN),
        (Kind.VOICE, "", ""),
        (Kind.TEXT, "", ""),
    ],
)
async def test_what_is_sent_without_words_has_one_meaning(core: Core, chat: Staff, kind: Kind, name: str, meant: str) -> None:
    assert await sent_things.intent_of(core, "1", message(chat, kind, name)) == meant


async def test_the_current_customer_is_forgotten_after_a_while(core: Core, chat: Staff, clock: FakeClock) -> None:
    await make_lead(core, owner_id=chat.employee.id)
    await chat.says("看下张伟的资料")
    clock.advance(timedelta(minutes=31))
    assert await chat.says("", kind=Kind.IMAGE, data={"download_code": "c"}) == "这个文件归到哪位客户名下？"


async def test_a_voice_message_with_the_platforms_text_is_handled_like_typed_text(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, owner_id=chat.employee.id)
    answer = await chat.says("刚和张伟通了电话，嫌贵，下周三下午三点再联系。", kind=Kind.VOICE, data={"duration_ms": 4000})
    assert answer.startswith("已记：张伟，电话")
    assert (await FollowUp.get()).subject_id == lead.id
    assert "只能看懂文字和语音" in await chat.says("", kind=Kind.VOICE)


async def test_defaults_are_filled_and_only_what_is_missing_is_asked(core: Core, chat: Staff) -> None:
    assert await chat.says("新线索") in ("是哪位客户？", "请补充完整：")
    answer = await chat.says("周小婷")
    lead = await Lead.get()
    assert (lead.name, lead.owner_id, lead.status) == ("周小婷", chat.employee.id, "new")
    assert "周小婷" in answer
    assert await chat.says("打卡") == "是哪位客户？"
    assert "已打卡：今天 10:00 周小婷" in await chat.says("周小婷")
    assert (await FieldVisit.get()).planned_at == core.clock.now()
    assert await chat.says("提醒我给周小婷打电话") == "什么时候？"
    assert "提醒：" in await chat.says("明天上午")


async def test_nonsense_is_refused_and_writes_nothing(core: Core, chat: Staff) -> None:
    await chat.says("新线索 周小婷 1380013800")
    assert (await Lead.get()).mobile is None
    assert "没有2月30号" in await chat.says("2月30号提醒我给张伟打电话")
    await chat.says("取消")
    assert "7天以内" in await chat.says("外出登记 上个月3号 去了 华兴贸易公司")
    assert await FieldVisit.all().count() == 0
