"""The address of a web form: leads without a person, machines kept out, nothing lost."""

from collections.abc import AsyncIterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import forms
from bot.channel import BadRequest
from bot.forms import Forms, show_template
from bot.secret import Secret
from bot.settings import FormSettings, ServerSettings
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.quarantine import QuarantinedRow

TOKEN = "form-token-0123456789"
PLACE = f"/forms/contact/{TOKEN}"
SAID = {"name": "李四", "mobile": "13800138000", "need": "20台网关"}
FORMS = {
    "contact": FormSettings(token=Secret(TOKEN), source="官网", required=("need",), per_minute=50),
    "shared": FormSettings(token=Secret(TOKEN), allowed_origins=("https://www.example.cn",), per_minute=2),
    "website": FormSettings(
        token=Secret(TOKEN), source="官网", required=("phone",), min_fill=timedelta(seconds=3), per_minute=50
    ),
    "slow": FormSettings(token=Secret(TOKEN), min_fill=timedelta(seconds=3), per_minute=50),
}


@pytest_asyncio.fixture
async def page(core: Core) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application()
    Forms(core, FORMS, ServerSettings()).add_to(app)
    app.router.add_get("/templates/{kind}.{form}", show_template)
    async with TestClient(TestServer(app)) as made:
        yield made


async def post(page: TestClient[Any, Any], body: Any, place: str = PLACE, **options: Any) -> tuple[int, Any]:
    async with page.post(place, **({"json": body} if isinstance(body, dict) else {"data": body}), **options) as response:
        return response.status, await response.json()


async def test_a_post_makes_a_lead_and_a_repeat_nothing(page: TestClient[Any, Any]) -> None:
    assert await post(page, SAID) == (200, {"ok": True})
    assert await post(page, SAID) == (200, {"ok": True})
    lead = await Lead.get()
    assert (lead.name, lead.mobile, lead.source, lead.intent_count) == ("李四", "+8613800138000", "官网", 1)
    await post(page, {**SAID, "need": "30台"}, headers={"Idempotency-Key": "a"})
    await post(page, {**SAID, "need": "31台"}, headers={"Idempotency-Key": "a"})
    assert (await Lead.get()).intent_count == 2


async def test_a_plain_html_form_with_chinese_names_and_unknown_fields(page: TestClient[Any, Any]) -> None:
    body = "姓名=王芳&联系电话=021-62881234&留言=要货&喜欢的颜色=红".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await post(page, body, headers=headers))[0] == 200
    lead = await Lead.get()
    assert (lead.name, lead.landline, lead.need, lead.raw_text) == ("王芳", "+862162881234", "要货", "喜欢的颜色：红")


async def test_each_wrong_field_has_one_sentence_and_nothing_is_lost(page: TestClient[Any, Any]) -> None:
    status, answer = await post(page, {"name": "李四", "mobile": "138", "email": "x"})
    assert status == 422
    assert answer["error"]["fields"] == {"mobile": "手机号格式不对", "email": "邮箱格式不对"}
    await post(page, {"name": "李四", "mobile": "138", "email": "x"})
    kept = await QuarantinedRow.get()
    assert (kept.source, kept.values["mobile"]) == ("官网", "138")
    assert (await post(page, {"name": "李四", "mobile": "13800138000"}))[1]["error"]["fields"] == {"need": "请填写需求"}
    assert (await post(page, {"need": "要货"}))[0] == 422
    assert await Lead.all().count() == 0


class _Fields(HTMLParser):
    """Finds the names of the fields of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names += [value for name, value in attrs if tag in ("input", "textarea") and name == "name" and value]


async def test_the_page_of_the_docs_works(page: TestClient[Any, Any], clock: Any) -> None:
    written = (Path(__file__).parents[2] / "docs" / "leads.md").read_text(encoding="utf-8")
    html, found = written.partition("```html")[2].partition("```")[0], _Fields()
    found.feed(html)
    place = f"/forms/website/{TOKEN}"
    ticket = (await (await page.get(place)).json())["ticket"]
    clock.advance(timedelta(seconds=5))
    told = {"name": "李四", "phone": "13800138000", "need": "20台", "_ticket": ticket}
    headers = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}

    def body(**said: str) -> bytes:
        return urlencode({name: (told | said).get(name, "") for name in found.names}).encode()

    status, answer = await post(page, body(phone="138"), place, headers=headers)
    assert (status, answer["error"]["message"]) == (422, "电话格式不对")
    status, answer = await post(page, body(phone=""), place, headers=headers)
    assert (status, answer["error"]["message"]) == (422, "请填写电话")
    assert await post(page, body(), place, headers=headers) == (200, {"ok": True})
    lead = await Lead.get()
    assert (lead.name, lead.mobile, lead.need, lead.landline, lead.raw_text) == ("李四", "+8613800138000", "20台", None, "")


async def test_a_visitor_without_a_ticket_is_told_of_a_wrong_number(page: TestClient[Any, Any]) -> None:
    status, answer = await post(page, {"name": "李四", "phone": "138"}, f"/forms/website/{TOKEN}")
    assert (status, answer["error"]["fields"]) == (422, {"phone": "电话格式不对"})
    status, answer = await post(page, {"name": "李四"}, f"/forms/website/{TOKEN}")
    assert (status, answer["error"]["fields"]) == (422, {"phone": "请填写电话"})
    assert (await post(page, {"phone": "138", "website": "x"}, f"/forms/website/{TOKEN}"))[1] == {"ok": True}


async def test_a_machine_learns_nothing(page: TestClient[Any, Any]) -> None:
    assert await post(page, {**SAID, "website": "http://spam"}) == (200, {"ok": True})
    assert await Lead.all().count() == 0
    assert (await QuarantinedRow.get()).reasons == [("疑似垃圾", "填了看不见的字段")]


async def test_who_fills_too_fast_is_no_person(page: TestClient[Any, Any], clock: Any) -> None:
    place = f"/forms/slow/{TOKEN}"
    ticket = (await (await page.get(place)).json())["ticket"]
    await post(page, {**SAID, "_ticket": ticket}, place)
    await post(page, {**SAID, "need": "1", "_ticket": "1.x"}, place)
    assert (await post(page, {**SAID, "need": "3", "_ticket": "1.票"}, place))[0] == 200
    assert await Lead.all().count() == 0
    clock.advance(timedelta(seconds=4))
    await post(page, {**SAID, "need": "2", "_ticket": ticket}, place)
    assert (await Lead.get()).source == "slow"


async def test_other_sites_only_when_they_are_named(page: TestClient[Any, Any]) -> None:
    place, good = f"/forms/shared/{TOKEN}", {"Origin": "https://www.example.cn"}
    async with page.options(place, headers=good) as response:
        assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (204, good["Origin"])
    async with page.options(place, headers={"Origin": "https://evil.example"}) as response:
        assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers
    async with page.post(place, json=SAID, headers=good) as response:
        assert (response.status, response.headers["Vary"]) == (200, "Origin")
    assert (await post(page, {**SAID, "need": "x"}, place, headers={"Origin": "null"}))[0] == 403


async def test_an_address_may_post_so_often_a_minute(page: TestClient[Any, Any], clock: Any) -> None:
    place = f"/forms/shared/{TOKEN}"
    statuses = [(await post(page, {**SAID, "need": str(number)}, place))[0] for number in range(4)]
    assert statuses == [200, 200, 429, 429]
    clock.advance(timedelta(seconds=61))
    assert (await post(page, {**SAID, "need": "9"}, place))[0] == 200


async def test_wrong_tokens_names_and_bodies(page: TestClient[Any, Any]) -> None:
    for place in ("/forms/contact/wrong-token-000000", f"/forms/nothing/{TOKEN}", "/forms/contact/%00%ff"):
        assert (await post(page, SAID, place))[0] == 404
    headers = {"Content-Type": "application/json"}
    for body in (b"{", b"[]", b'{"a":1,"a":2}', b'{"name":["x"]}', b"\xff", b'{"name":NaN}'):
        assert (await post(page, body, headers=headers))[0] == 400
    assert (await post(page, b"<x/>", headers={"Content-Type": "text/xml"}))[0] == 400
    assert (await post(page, b'{"name":"' + b"x" * 70_000 + b'"}', headers=headers))[0] == 413
    assert (
        await post(
            page, "&".join(f"a{n}=1" for n in range(99)).encode(), headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
    )[0] == 400
    assert await Lead.all().count() == 0


async def test_templates_for_whoever_asks(page: TestClient[Any, Any]) -> None:
    for name in ("leads.csv", "leads.xlsx", "customers.xlsx", "contacts.csv"):
        async with page.get(f"/templates/{name}") as response:
            assert response.status == 200
            assert len(await response.read()) > 20
    async with page.get("/templates/leads.exe") as response:
        assert response.status == 404


def test_settings_tell_what_is_wrong() -> None:
    assert FORMS["shared"].problems() == []
    wrong = FormSettings(token=Secret("short"), required=("x",), allowed_origins=("www.example.cn",), per_minute=0)
    assert {key for key, _ in wrong.problems()} == {"token", "required", "allowed_origins", "per_minute"}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", "image/png"]),
)
def test_any_body_is_read_or_refused(body: bytes, content_type: str) -> None:
    try:
        found = forms._read(content_type, body)
    except BadRequest:
        return
    assert all(isinstance(text, str) for pair in found.items() for text in pair)
