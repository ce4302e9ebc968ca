"""Files under a customer over the API, and the address their content is fetched from."""

from io import BytesIO

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.api import make_api
from bot.document_downloads import Downloads
from crm_core.access import Role
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.bot.api.test_leads import Make


async def test_a_file_is_sent_found_and_fetched_once(core: Core, sales: Caller, caller: Make) -> None:
    customer = await sales.post("/customers", {"name": "云帆科技"})
    body = {"subject_kind": "customer", "subject_id": customer["id"], "name": "报价 单.pdf"}
    made = await sales.post("/documents", body)
    assert made["status"] == "waiting"
    assert await sales.refused("GET", f"/documents/{made['id']}/link") == (409, "document.not_ready")
    content = b"%PDF" + b"x" * 2_000_000
    status, sent = await sales.ask("PUT", f"/documents/{made['id']}/content", data=BytesIO(content))
    assert (status, sent["status"], sent["size_bytes"]) == (200, "ready", len(content))
    assert (await sales.ask("PUT", f"/documents/{made['id']}/content", data=BytesIO(content)))[0] == 409
    found = await sales.get(f"/documents?subject_kind=customer&subject_id={customer['id']}")
    assert [each["name"] for each in found["items"]] == ["报价 单.pdf"]
    peer = await caller(Role.SALES, employee=True, name="小陈")
    assert await peer.refused("GET", f"/documents/{made['id']}/link") == (404, "not_found")
    link = await sales.get(f"/documents/{made['id']}/link")
    app = web.Application()
    app.add_subapp("/api/v1", make_api(core))
    Downloads(core).add_to(app)
    async with TestClient(TestServer(app)) as client:
        async with client.get(link["path"]) as answer:
            assert (answer.status, answer.content_type) == (200, "application/octet-stream")
            assert "%E6%8A%A5%E4%BB%B7%20%E5%8D%95.pdf" in answer.headers["Content-Disposition"]
            assert await answer.read() == content
        for path in (link["path"], "/documents/nothing"):
            async with client.get(path) as answer:
                assert answer.status == 404


async def test_a_file_is_taken_off_and_put_back(sales: Caller) -> None:
    customer = await sales.post("/customers", {"name": "云帆科技"})
    made = await sales.post("/documents", {"subject_kind": "customer", "subject_id": customer["id"], "name": "a.txt"})
    await sales.post(f"/documents/{made['id']}/remove", status=200)
    assert await sales.refused("GET", f"/documents/{made['id']}") == (404, "not_found")
    await sales.post(f"/documents/{made['id']}/restore", status=200)
    assert (await sales.get(f"/documents/{made['id']}"))["name"] == "a.txt"
    assert await sales.refused("POST", "/documents", {"subject_kind": "customer", "subject_id": 4242, "name": "a"}) == (
        404,
        "not_found",
    )
