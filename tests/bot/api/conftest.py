"""The API mounted as the product mounts it, and callers with tokens."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.api import make_api
from crm_core import tokens
from crm_core.access import Role
from crm_core.employees import Employee
from crm_core.ports import Core
from tests.factories import SYSTEM, make_employee


@dataclass
class Caller:
    """Somebody with a token. Each method gives (status, JSON)."""

    client: TestClient[Any, Any]
    token: str
    employee: Employee | None = None

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        async with self.client.request(method, f"/api/v1{path}", headers=headers, **options) as response:
            assert response.content_type == "application/json", await response.text()
            return response.status, await response.json()

    async def get(self, path: str) -> Any:
        status, answer = await self.ask("GET", path)
        assert status == 200, answer
        return answer

    async def post(self, path: str, body: Any = None, *, status: int = 201, **options: Any) -> Any:
        got, answer = await self.ask("POST", path, json=body or {}, **options)
        assert got == status, answer
        return answer

    async def patch(self, path: str, body: Any, *, status: int = 200) -> Any:
        got, answer = await self.ask("PATCH", path, json=body)
        assert got == status, answer
        return answer

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Ask for something that must not succeed; gives (status, code)."""
        status, answer = await self.ask(method, path, **({"json": body} if body is not None else {}))
        return status, answer["error"]["code"]


@pytest_asyncio.fixture
async def client(core: Core) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application()
    app.add_subapp("/api/v1", make_api(core))
    async with TestClient(TestServer(app)) as made:
        yield made


@pytest.fixture
def caller(core: Core, client: TestClient[Any, Any]) -> Callable[..., Awaitable[Caller]]:
    """Make a caller of a role; `employee=True` for one who acts as an employee."""
    made = 0

    async def make(role: Role = Role.ADMIN, *, employee: bool = False, scopes: tuple[str, ...] = (), **values: Any) -> Caller:
        nonlocal made
        made += 1
        person = await make_employee(core, values.pop("name", f"员工{made}"), role, **values) if employee else None
        token = await tokens.create(
            core,
            SYSTEM,
            name=f"令牌{made}",
            role=None if person else role,
            employee_id=person.id if person else None,
            scopes=scopes,
        )
        return Caller(client, token, person)

    return make


@pytest_asyncio.fixture
async def admin(caller: Callable[..., Awaitable[Caller]]) -> Caller:
    return await caller(Role.ADMIN)


@pytest_asyncio.fixture
async def sales(caller: Callable[..., Awaitable[Caller]]) -> Caller:
    return await caller(Role.SALES, employee=True, name="小王")
