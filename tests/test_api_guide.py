"""docs/api.md: what it tells to type works, and what it says of answers is so."""

import json
import re
import shlex
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.api import make_api
from bot.api.app import all_routes
from bot.api.openapi import describe
from crm_core import tokens
from crm_core.access import Role
from crm_core.ports import Core
from tests.factories import SYSTEM
from tests.pages import ROOT, blocks, broken_links, calls, table_rows, wrong_in

PAGE = ROOT / "docs" / "api.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest_asyncio.fixture
async def client(core: Core) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application()
    app.add_subapp("/api/v1", make_api(core))
    async with TestClient(TestServer(app)) as made:
        yield made


def curls() -> list[list[str]]:
    lines = [line for block in blocks(TEXT, "sh") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("curl ")]


async def typed(client: TestClient[Any, Any], token: str, words: list[str]) -> tuple[int, Any]:
    """Do what curl would."""
    headers, method, body, address = {}, "", None, ""
    rest = iter(words)
    for word in rest:
        if word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value.replace("$TOKEN", token)
        elif word == "-X":
            method = next(rest)
        elif word == "-d":
            body = next(rest)
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        else:
            address = word.replace("$API", "/api/v1")
    async with client.request(method or ("POST" if body else "GET"), address, headers=headers, data=body) as response:
        return response.status, await response.json()


async def test_everything_typed_is_answered(core: Core, client: TestClient[Any, Any]) -> None:
    token = await tokens.create(core, SYSTEM, name="sync", role=Role.ADMIN)
    answers: list[tuple[int, Any]] = []
    for words in curls():
        # The lead the page makes is its number 1; in a test that others ran before it has another number.
        made = answers[1][1]["id"] if len(answers) > 1 else 1
        answers.append(await typed(client, token, [word.replace("/leads/1", f"/leads/{made}") for word in words]))
    assert [status for status, _ in answers] == [200, 201, 200, 200, 200, 200, 201, 201]
    assert answers[-1] == answers[-2]
    assert {"customer_id", "contact_id"} == answers[3][1].keys()


async def test_the_description_needs_no_token(client: TestClient[Any, Any]) -> None:
    async with client.get("/api/v1/openapi.json") as response:
        assert response.status == 200
        assert (await response.json())["openapi"]


def test_examples_are_json_and_every_status_of_the_product_is_told() -> None:
    for block in blocks(TEXT, "json"):
        json.loads(block)
    told = {number for row in table_rows(TEXT) for number in re.findall(r"\d{3}", row[0])}
    described = describe(all_routes())["paths"]["/leads"]["post"]["responses"]
    assert told == set(described) - {"201"}


def test_commands_and_links() -> None:
    found = list(calls(TEXT))
    assert found
    assert [call for call in found if wrong_in(call)] == []
    assert broken_links(PAGE) == []
