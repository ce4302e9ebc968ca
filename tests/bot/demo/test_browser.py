"""The page in a real browser, walked as somebody would who reads nothing: always the suggestion that stands out."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from tests.bot.demo.conftest import Playing
from tests.bot.demo.test_greeting import choices

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--disable-sync", "--no-first-run"]
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")]


@pytest_asyncio.fixture
async def page(demo: Playing) -> AsyncIterator[Page]:
    """A fresh customer's page; fails on any error in the browser and any request to elsewhere."""
    await demo.do("customer/new")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        made = await browser.new_page(viewport={"width": 1440, "height": 900})
        complaints: list[str] = []
        made.on("pageerror", lambda error: complaints.append(str(error)))
        made.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        made.on(
            "request", lambda request: None if request.url.startswith((demo.url, "data:")) else complaints.append(request.url)
        )
        await made.goto(demo.url)
        await made.wait_for_selector("body[data-ready]")
        yield made
        await browser.close()
        assert not complaints


def folder(tmp_path: Path) -> Path:
    """Where pictures are kept."""
    made = Path(os.environ.get("GUANXI_SCREENSHOTS") or tmp_path)
    made.mkdir(parents=True, exist_ok=True)
    return made


async def ticked(page: Page, step: str) -> None:
    await page.wait_for_selector(f"[data-step={step}].done", timeout=15000)


@pytest.mark.slow  # a browser, and deliveries in real time
async def test_the_five_steps_are_walked_by_the_leading_suggestions(demo: Playing, page: Page, tmp_path: Path) -> None:
    leading = page.locator("button.chip.main")
    await leading.click()
    await ticked(page, "follow")
    await page.locator(".wechat button.chip.main").click()
    await page.locator(".dingtalk button.chip.main").click()
    await ticked(page, "claim")
    await expect(page.locator(".dingtalk").first).to_contain_text("已领取：")
    await leading.click()
    await ticked(page, "follow_up")
    await expect(page.locator("#person .timeline")).to_contain_text("想要20台网关")
    await leading.click()
    # The newest line, because other customers' days stand in the same chat: the reminder must exist before time moves.
    await expect(page.locator(".dingtalk").first.locator(".bubble").last).to_contain_text("好的，")
    await demo.advance(58)
    await ticked(page, "remind")
    await expect(page.locator("#reminders")).to_contain_text("已提醒")
    await leading.click()
    await page.locator("#preview").click()
    await page.locator("#approve").click()
    await ticked(page, "greet")
    await page.locator("#greet-done").click()
    await expect(page.locator(".wechat .chat")).to_contain_text("节日快乐")
    await expect(page.locator("#broadcasts li").first).to_contain_text("已送达")
    await expect(page.locator("#hint")).to_contain_text("五步都走完了")
    await page.screenshot(path=folder(tmp_path) / "walked.png")


@pytest.mark.slow  # a browser
async def test_a_customers_markup_is_shown_as_text(page: Page) -> None:
    await page.locator("button.chip.main").click()
    await ticked(page, "follow")
    words = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    await page.get_by_label("以微信客户的身份写消息").fill(words)
    await page.keyboard.press("Enter")
    await expect(page.locator(".wechat .mine .bubble").last).to_have_text(words)
    assert await page.locator(".chat img, .chat script, #person img").count() == 0


@pytest.mark.slow  # a browser
async def test_a_card_opens_from_the_list_and_a_colleagues_phone_from_its_tab(page: Page) -> None:
    second = page.locator("#leads button.row").nth(1)
    name = await second.locator("b").inner_text()
    await second.click()
    await expect(page.locator("#person .card-head b")).to_have_text(name)
    await page.locator("[data-staff=hl-zhou]").click()
    await expect(page.locator(".dingtalk .who strong").nth(1)).to_have_text("市场 周婷")


@pytest.mark.slow  # a browser
async def test_the_platform_clock_is_turned_and_set_right(page: Page) -> None:
    await page.locator("[data-hours='48']").click()
    await expect(page.locator("#clock-note")).to_contain_text("产品自己的时钟不动")
    await expect(page.locator("#platform-time")).to_contain_text("+48h")
    await page.locator("#clock-back").click()
    await expect(page.locator("#clock-back")).to_be_hidden()


async def trial(demo: Playing) -> int:
    """Draft a broadcast and drop it; gives its number."""
    chosen = await choices(demo, "hl-lin", "节日祝福", "VIP 客户")
    number = (await demo.do("greeting/preview", staff_id="hl-lin", **chosen))["broadcast_id"]
    await demo.do("greeting/drop", staff_id="hl-lin", broadcast_id=number)
    return int(number)


@pytest.mark.slow  # a browser
async def test_looking_at_the_greeting_and_leaving_makes_no_draft(demo: Playing, page: Page) -> None:
    before = await trial(demo)
    await page.get_by_role("button", name="发节日祝福").click()
    await expect(page.locator("#preview")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#greet")).to_be_hidden()
    assert await trial(demo) == before + 1


@pytest.mark.slow  # a browser
async def test_a_greeting_tried_and_left_is_cancelled(demo: Playing, page: Page) -> None:
    before = await trial(demo)
    await page.get_by_role("button", name="发节日祝福").click()
    await page.locator("#preview").click()
    await page.locator(".pick", has_text="全部线索").click()
    await page.locator(".pick", has_text="生日祝福").click()
    await expect(page.locator(".samples")).to_contain_text("生日快乐")
    await expect(page.locator("#approve")).to_be_enabled()
    async with page.expect_response("**/demo/greeting/drop") as dropped:
        await page.keyboard.press("Escape")
    assert await (await dropped.value).json() == {"broadcast_id": before + 1, "status": "cancelled"}
    assert await trial(demo) == before + 2


@pytest.mark.slow  # a browser
async def test_the_greetings_button_stays_in_a_low_window(demo: Playing, page: Page, tmp_path: Path) -> None:
    for words in ("苏州", "上海", "杭州", "无锡"):
        await demo.says("hl-zhou", f"春节给{words}的客户发祝福")
        await demo.says("hl-zhou", "否")
    await page.set_viewport_size({"width": 1366, "height": 800})
    await page.get_by_role("button", name="发节日祝福").click()
    await expect(page.locator("#preview")).to_be_focused()
    assert await page.locator("input[name=segment_id]").count() >= 8
    await page.locator("#preview").click()
    await expect(page.locator("#approve")).to_be_enabled()
    await expect(page.locator("#approve")).to_be_in_viewport(ratio=1)
    await page.locator(".pick").last.scroll_into_view_if_needed()
    await expect(page.locator(".pick").last).to_be_in_viewport(ratio=1)
    night = (await demo.get("/demo/state"))["state"]["night"]
    for place in (page.locator(".greet-foot"), page.locator("[data-step=greet]")):
        assert ("演示在夜间关闭了免打扰时段" in await place.inner_text()) is night
    await page.screenshot(path=folder(tmp_path) / "greeting.png")


@pytest.mark.slow  # a browser
async def test_what_is_typed_and_not_sent_outlives_a_reload(page: Page) -> None:
    box = page.get_by_label("以主管和市场的钉钉的身份写消息")
    await box.fill("还没写完")
    await page.locator("[data-staff=hl-zhou]").click()
    await expect(box).to_have_value("")
    await page.reload()
    await expect(box).to_have_value("还没写完")
    await box.fill("帮助")
    await page.keyboard.press("Enter")
    await page.reload()
    await page.wait_for_selector("body[data-ready]")
    await expect(box).to_have_value("")
