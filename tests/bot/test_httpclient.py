"""The way out: what became of a call, and what an error does not say."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from bot.httpclient import HttpClient, NotSent, Unanswered, Upload, encode_json, redact

REPLIES = Path(__file__).parent.parent / "vectors" / "replies.json"


@pytest_asyncio.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(connect_within=timedelta(seconds=1), answer_within=timedelta(seconds=5)) as client:
        yield client


@pytest_asyncio.fixture
async def url() -> AsyncIterator[str]:
    """A server that does what the path says."""

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        match request.path:
            case "/echo":
                return web.json_response({"body": body.decode(), "query": dict(request.query), "type": request.content_type})
            case "/html":
                return web.Response(status=502, text="<html>", content_type="text/html")
            case "/away":
                raise web.HTTPFound("/echo")
            case "/huge":
                return web.Response(body=b"x" * 5_000_000)
            case "/upload":
                return web.Response(body=body)
            case "/silent":
                await asyncio.Event().wait()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with TestServer(app, shutdown_timeout=0) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_a_json_body_goes_out_raw_and_comes_back(http: HttpClient, url: str) -> None:
    answer = await http.post(f"{url}/echo?a=1", {"说": "好😀"}, params={"access_token": "t"})
    assert answer.status == 200
    assert answer.json() == {
        "body": '{"说":"好😀"}',
        "query": {"a": "1", "access_token": "t"},
        "type": "application/json",
    }


async def test_any_status_is_an_answer_and_html_is_no_json(http: HttpClient, url: str) -> None:
    answer = await http.get(f"{url}/html")
    assert (answer.status, answer.json()) == (502, None)


async def test_a_redirect_is_an_answer_and_not_followed(http: HttpClient, url: str) -> None:
    assert (await http.post(f"{url}/away", {})).status == 302


async def test_a_file_goes_out_as_multipart(http: HttpClient, url: str) -> None:
    answer = await http.post(f"{url}/upload", upload=Upload("media", "a.jpg", b"\xff\xd8", "image/jpeg"))
    assert b'name="media"; filename="a.jpg"' in answer.body
    assert b"\xff\xd8" in answer.body


async def test_a_refused_connection_was_provably_not_sent(http: HttpClient) -> None:
    with pytest.raises(NotSent) as caught:
        await http.post(f"http://127.0.0.1:{unused_port()}/send?access_token=t0ken", {})
    assert "t0ken" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("address", ["http:///x", "http://127.0.0.1:1/x"])
async def test_an_address_nobody_listens_at_was_not_sent(http: HttpClient, address: str) -> None:
    with pytest.raises(NotSent):
        await http.get(address)


@pytest.mark.parametrize("path", ["/reset", "/huge"])
async def test_a_call_without_a_whole_answer_may_have_taken_effect(http: HttpClient, url: str, path: str) -> None:
    with pytest.raises(Unanswered) as caught:
        await http.post(f"{url}{path}?access_token=t0ken", {})
    assert "t0ken" not in str(caught.value)
    assert path in str(caught.value)


async def test_silence_ends_with_the_time_limit(http: HttpClient, url: str) -> None:
    with pytest.raises(Unanswered):
        await http.post(f"{url}/silent", {}, within=timedelta(milliseconds=50))


async def test_a_closed_client_opens_again(url: str) -> None:
    http = HttpClient()
    await http.close()
    assert (await http.get(f"{url}/html")).status == 502
    await http.close()
    await http.close()


def test_secrets_in_addresses_and_bodies_are_blanked() -> None:
    said = redact(
        "https://a/b?access_token=abc&x=1&sign=d%2Be session=q {'appsecret': 's1', \"accessToken\": \"s2\", 'key': 's3'}"
    )
    assert not any(secret in said for secret in ("abc", "d%2Be", "=q", "s1", "s2", "s3"))
    assert "x=1" in said


def test_bodies_are_raw_utf8_as_the_platform_wants() -> None:
    case = next(one for one in json.loads(REPLIES.read_text(encoding="utf-8"))["cases"] if one["id"] == "REP-010")
    assert encode_json(case["input"]).hex() == case["expect"]["body_utf8_hex"]
    assert encode_json({"a": "\ud800"}) == b'{"a":"?"}'
