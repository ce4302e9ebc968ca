"""Application messages: their forms, each member's measure, equal contents, cards."""

from datetime import timedelta

from bot.channel import SendStatus
from bot.channels.wecom.calls import Width
from bot.httpclient import HttpClient
from bot.supervisor import Supervisor
from crm_core.messages import Article, Body, Button, Kind, mark_of
from crm_core.ports import Core
from tests.bot.channels.platform import Platform
from tests.bot.channels.wecom.made import AGENT, make_application, make_message
from tests.bot.channels.wecom.test_outcomes import SEND, lay_token
from tests.fakes import FakeClock

UPDATE = "/cgi-bin/message/update_template_card"


async def test_every_kind_has_its_form(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    lay_token(platform)
    application = make_application(http, clock, api_base=platform.url)
    articles = tuple(Article(f"t{n}", "d", "https://e.com/p", "https://e.com") for n in range(10))
    bodies = {
        "text": Body(text="好" * 1000),
        "markdown": Body(Kind.MARKDOWN, "**好**"),
        "image": Body(Kind.IMAGE, media_id="M1"),
        "voice": Body(Kind.VOICE, media_id="M1"),
        "file": Body(Kind.FILE, media_id="M1"),
        "textcard": Body(Kind.LINK, "标题\n说明", url="https://e.com"),
        "news": Body(Kind.NEWS, articles=articles),
        "template_card": Body(
            Kind.TEMPLATE, "内容", template_id="text_notice", template_data={"title": "标题", "task_id": "t1"}
        ),
    }
    for word, body in bodies.items():
        (receipt,) = await application.send([make_message(body, key=word)])
        assert receipt.status is SendStatus.SENT
        sent = platform.asked(SEND)[-1].json
        assert (sent["msgtype"], sent["agentid"], sent["touser"]) == (word, AGENT, "zhangsan")
        assert sent[word]
    assert len(platform.asked(SEND)[0].json["text"]["content"].encode()) <= 2048
    assert len(platform.asked(SEND)[6].json["news"]["articles"]) == 8
    card = platform.asked(SEND)[7].json["template_card"]
    assert (card["card_type"], card["main_title"]["title"], card["task_id"]) == ("text_notice", "标题", "t1")
    (refused,) = await application.send([make_message(Body(Kind.VIDEO))])
    assert refused.status is SendStatus.REFUSED


async def test_a_member_gets_no_more_than_the_measure_in_any_window(
    platform: Platform, http: HttpClient, clock: FakeClock, core: Core
) -> None:
    lay_token(platform)
    settings = {"api_base": platform.url, "member_per_minute": 2, "member_per_hour": 5}
    application = make_application(http, clock, **settings)
    application.attach(core, Supervisor())
    waiting: dict[str, float] = {}
    for number in range(8):
        (receipt,) = await application.send([make_message(Body(text=f"{number}"), key=f"k{number}")])
        if receipt.status is SendStatus.RETRY:
            assert receipt.reason == "member_limit"
            waiting[f"k{number}"] = (receipt.retry_at - clock.now()).total_seconds()  # type: ignore[operator]
    assert len(platform.asked(SEND)) == 2
    assert list(waiting.values()) == sorted(waiting.values())
    assert waiting["k2"] >= 60
    assert waiting["k5"] >= 3600
    # As after a restart: another sender over the same rows.
    again = make_application(http, clock, **settings)
    again.attach(core, Supervisor())
    sent_at: list[float] = [0.0, 0.0]
    for key, seconds in waiting.items():
        clock.advance(max(seconds - clock.monotonic(), 0))
        (receipt,) = await again.send([make_message(Body(text=key[1:]), key=key)])
        assert receipt.status is SendStatus.SENT
        sent_at.append(clock.monotonic())
    assert all(later - earlier >= 60 for earlier, later in zip(sent_at, sent_at[2:], strict=False))
    assert all(later - earlier >= 3600 for earlier, later in zip(sent_at, sent_at[5:], strict=False))


async def test_equal_contents_go_twice_and_a_repeat_is_checked(
    platform: Platform, http: HttpClient, clock: FakeClock, core: Core
) -> None:
    lay_token(platform)
    application = make_application(http, clock, api_base=platform.url)
    application.attach(core, Supervisor())
    for key, attempt in (("a", 1), ("a", 2), ("b", 1)):
        await application.send([make_message(Body(text="好的"), key=key, attempt=attempt)])
    clock.advance(timedelta(hours=5))
    await application.send([make_message(Body(text="好的"), key="c")])
    assert [call.json["enable_duplicate_check"] for call in platform.asked(SEND)] == [1, 1, 0, 1]


async def test_a_body_with_buttons_is_a_card_and_goes_as_text_where_it_is_refused(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    lay_token(platform)
    platform.lay(SEND, {"errcode": 0, "response_code": "RC"}, {"errcode": 40058, "errmsg": "card"}, {"errcode": 0})
    application = make_application(http, clock, api_base=platform.url)
    body = Body(text="提醒\n寄样品", buttons=(Button("完成", "complete_task"), Button("推迟", "snooze")))
    await application.send([make_message(body, key="one", id=7)])
    card = platform.asked(SEND)[0].json["template_card"]
    assert card["task_id"] == f"gx-7-{mark_of('one')}"
    assert [(button["text"], button["key"]) for button in card["button_list"]] == [("完成", "1"), ("推迟", "2")]
    (receipt,) = await application.send([make_message(body, key="two", id=8)])
    assert receipt.status is SendStatus.SENT
    assert [call.json["msgtype"] for call in platform.asked(SEND)] == ["template_card", "template_card", "text"]


async def test_a_card_is_changed_once_by_its_code(platform: Platform, http: HttpClient, clock: FakeClock, core: Core) -> None:
    lay_token(platform)
    platform.lay(SEND, {"errcode": 0, "msgid": "M", "response_code": "RC"})
    application = make_application(http, clock, api_base=platform.url)
    application.attach(core, Supervisor())
    body = Body(Kind.TEMPLATE, "内容", template_id="button_interaction", template_data={"task_id": "t1", "button.1": "好"})
    await application.send([make_message(body)])
    assert (await application.sender.update_card("t1", ["zhangsan"], replace_name="已处理")).status is SendStatus.SENT
    assert (await application.sender.update_card("t1", ["zhangsan"], replace_name="已处理")).status is SendStatus.REFUSED
    (call,) = platform.asked(UPDATE)
    assert (call.json["response_code"], call.json["button"]) == ("RC", {"replace_name": "已处理"})


async def test_a_late_answer_to_a_press_renames_the_button(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    lay_token(platform)
    data = {"card_message_id": 7, "response_code": "RC2"}
    message = make_message(Body(text="已完成", template_data={"status": "done"}), reply_data=data)
    (receipt,) = await make_application(http, clock, api_base=platform.url).send([message])
    assert receipt.status is SendStatus.SENT
    assert platform.asked(UPDATE)[0].json["button"] == {"replace_name": "已完成"}


async def test_width_is_halved_and_slowly_regained() -> None:
    width = Width(8)
    width.note(too_many=True)
    width.note(too_many=True)
    assert width.allowed == 2
    for _ in range(20):
        width.note(too_many=False)
    assert width.allowed == 3
    async with width.place(), width.place():
        pass
