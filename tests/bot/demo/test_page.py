"""The page's addresses: they drive the platforms, refuse nonsense, and show what came of it."""

import re

import pytest

from bot.demo.page import STATIC
from tests.bot.demo.conftest import Playing, lines_of, visitor_name

WANGLEI, CHEN, LIN, ZHOU = "hl-wang", "hl-chen", "hl-lin", "hl-zhou"


async def test_page_and_everything_it_needs_come_from_here(demo: Playing) -> None:
    async with demo.session.get(demo.url) as answer:
        page = await answer.text()
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    needed = re.findall(r'(?:href|src)="(/[^"]+)"', page)
    assert len(needed) == 2
    for path in [*needed, *(f"/demo/{name}.js" for name in ("dom", "phones", "panel", "greeting"))]:
        async with demo.session.get(demo.url + path) as answer:
            assert answer.status == 200


def test_nothing_is_loaded_from_elsewhere_and_text_is_never_markup() -> None:
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text), (
            path.name
        )


async def test_an_unchanged_file_is_not_sent_again(demo: Playing) -> None:
    async with demo.session.get(f"{demo.url}/demo/page.css") as first:
        tag = first.headers["ETag"]
    async with demo.session.get(f"{demo.url}/demo/page.css", headers={"If-None-Match": tag}) as second:
        assert second.status == 304


async def test_colleagues_have_bound_their_accounts_in_the_chat(demo: Playing) -> None:
    state = (await demo.get("/demo/state"))["state"]
    for staff_id in (WANGLEI, CHEN, LIN, ZHOU):
        asked, answered = lines_of(state, staff_id)[:2]
        assert asked["text"].startswith("绑定 ")
        assert answered["text"].startswith("绑定成功")


async def test_following_makes_a_lead_with_its_source_and_tells_the_house(demo: Playing) -> None:
    state = await demo.new_customer("展会")
    name = visitor_name(state)
    assert state["crm"]["leads"][0]["name"] == name
    assert state["crm"]["leads"][0]["source"] == "展会"
    assert lines_of(state, "customer")[-1]["text"].startswith("您好，欢迎关注")

    def told(state: dict[str, object]) -> bool:
        return all(any(f"【新线索】{name}" in line["text"] for line in lines_of(state, who)) for who in (WANGLEI, CHEN, LIN))

    await demo.until(told)


@pytest.mark.parametrize("scene", ["", "展会"])
async def test_the_card_names_the_source_the_lead_has(demo: Playing, scene: str) -> None:
    crm = (await demo.new_customer(scene))["crm"]
    assert dict(crm["person"]["facts"]).get("来源", "") == crm["leads"][0]["source"]


async def test_the_hint_tells_of_a_reminder_next_week_and_still_offers_a_quick_one(demo: Playing) -> None:
    name = visitor_name(await demo.new_customer())
    await demo.says(WANGLEI, f"领取 {name}")
    await demo.says(WANGLEI, f"刚和{name}通了电话，下周二下午三点再联系")
    state = (await demo.get("/demo/state"))["state"]
    hint = next(step["hint"] for step in state["steps"] if step["key"] == "remind")
    assert "15:00才响" in hint
    assert any(chip["main"] and chip["text"].startswith("一分钟后提醒我") for chip in state["chips"][WANGLEI])
    await demo.says(WANGLEI, f"一分钟后提醒我给{name}发报价")
    state = (await demo.get("/demo/state"))["state"]
    assert "会响，也可以先做下一步" in next(step["hint"] for step in state["steps"] if step["key"] == "remind")


async def test_the_second_to_claim_is_told_who_was_faster(demo: Playing) -> None:
    name = visitor_name(await demo.new_customer())
    assert (await demo.says(WANGLEI, f"领取 {name}")).startswith(f"已领取：{name}")
    assert "已被王磊领取" in await demo.says(CHEN, f"领取 {name}")


async def test_a_follow_up_sentence_stands_on_the_card(demo: Playing) -> None:
    name = visitor_name(await demo.new_customer())
    await demo.says(WANGLEI, f"领取 {name}")
    assert (await demo.says(WANGLEI, f"刚和{name}通了电话，想要20台网关，预算15万，下周三下午三点再联系")).startswith(
        f"已记：{name}"
    )
    card = (await demo.get("/demo/state"))["state"]["crm"]["person"]
    kinds = [line["kind"] for line in card["timeline"]]
    assert {"follow_up", "reminder", "claim", "lead", "event"} <= set(kinds)
    assert kinds.index("follow_up") < kinds.index("claim") < kinds.index("event")
    assert dict(card["facts"])["负责人"] == "王磊"


async def test_what_a_customer_writes_is_kept_as_it_is(demo: Playing) -> None:
    await demo.new_customer()
    words = "<script>alert(1)</script> {{7*7}}"
    await demo.do("customer/say", text=words)
    state = (await demo.get("/demo/state"))["state"]
    assert lines_of(state, "customer")[-2]["text"] == words
    assert any(line["text"] == words for line in state["crm"]["person"]["timeline"])


async def test_unfollowing_and_coming_back_makes_no_second_lead(demo: Playing) -> None:
    state = await demo.new_customer()
    person_id = state["crm"]["person"]["person_id"]
    await demo.do("customer/unfollow")
    gone = (await demo.get("/demo/state"))["state"]
    assert not gone["phones"]["customer"]["follows"]
    assert gone["crm"]["person"]["reach"][0]["text"] == "已取消关注"
    # Follow and unfollow carry whole seconds: a follow of the same second is not newer.
    await demo.advance(2)
    await demo.do("customer/follow")
    back = (await demo.get("/demo/state"))["state"]
    assert back["crm"]["person"]["person_id"] == person_id
    assert back["crm"]["counts"]["leads"] == gone["crm"]["counts"]["leads"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("customer/say", {"text": "   "}, 422),
        ("staff/say", {"staff_id": "nobody", "text": "你好"}, 422),
        ("staff/say", {"staff_id": WANGLEI, "text": "你好", "more": 1}, 422),
        ("staff/say", {"staff_id": WANGLEI, "text": 7}, 422),
        ("clock", {"hours": -1}, 422),
        ("clock", {"hours": 1e9}, 422),
        ("clock", {"hours": 1e308}, 422),
        ("clock", {"hours": -1e308}, 422),
        ("greeting/preview", {"staff_id": LIN, "template_id": 2**63, "segment_id": 1}, 422),
        ("greeting/preview", {"staff_id": LIN, "template_id": 1, "segment_id": 10**30}, 422),
        ("greeting/preview", {"staff_id": LIN, "template_id": 1, "segment_id": 1, "draft_id": 2**64}, 422),
        ("greeting/approve", {"staff_id": LIN, "broadcast_id": -(2**70)}, 422),
        ("greeting/preview", {"staff_id": WANGLEI, "template_id": 1, "segment_id": 1}, 409),
        ("greeting/preview", {"staff_id": LIN, "template_id": 999, "segment_id": 1}, 404),
        ("greeting/approve", {"staff_id": LIN, "broadcast_id": 999}, 404),
    ],
)
async def test_nonsense_is_refused_with_a_sentence(demo: Playing, path: str, body: dict[str, object], status: int) -> None:
    await demo.new_customer()
    answered, said = await demo.post(path, **body)
    assert answered == status
    assert said["error"]


async def test_a_stranger_cannot_write_before_following(demo: Playing) -> None:
    await demo.do("customer/new")
    assert await demo.post("customer/say", text="在吗") == (422, {"error": "还没有关注公众号"})
    assert (await demo.post("customer/unfollow"))[0] == 422


async def test_a_foreign_page_cannot_post_a_form(demo: Playing) -> None:
    async with demo.session.post(f"{demo.url}/demo/staff/say", data={"text": "hi"}) as answer:
        assert answer.status == 415


async def test_no_secret_of_a_channel_stands_in_the_state(demo: Playing) -> None:
    async with demo.session.get(f"{demo.url}/demo/state") as answer:
        text = await answer.text()
    assert "simulated-" not in text
    assert "aes" not in text.lower()
    assert not re.search(r"1990000\d{4}", text)


async def test_an_unknown_person_is_nobody(demo: Playing) -> None:
    for number in ("999999", "abc", "-1"):
        assert "crm" in (await demo.get(f"/demo/state?person={number}"))["state"]


@pytest.mark.parametrize("path", ["/", "/demo/state", "/demo/page.js", "/api/v1/openapi.json"])
async def test_only_this_machine_by_its_own_name_is_served(demo: Playing, path: str) -> None:
    port = demo.url.rpartition(":")[2]
    for host, status in (
        (f"127.0.0.1:{port}", 200),
        (f"localhost:{port}", 200),
        (f"LOCALHOST:{port}", 200),
        (f"[::1]:{port}", 200),
        ("localhost:1", 403),
        (f"evil.example:{port}", 403),
        (f"127.0.0.1.evil.example:{port}", 403),
    ):
        async with demo.session.get(demo.url + path, headers={"Host": host}) as answer:
            assert answer.status == status, host


async def test_a_body_that_is_not_packed_as_it_says_is_refused(demo: Playing) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with demo.session.post(f"{demo.url}/demo/clock", data=b"never compressed", headers=headers) as answer:
        assert answer.status == 400
