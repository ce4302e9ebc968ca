"""The OpenAPI document, and the API under whatever can be made from it."""

import json
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import schemathesis
from aiohttp.test_utils import TestClient
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.core import NotSet
from yarl import URL

from bot.api.app import all_routes
from bot.api.openapi import describe
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.factories import make_customer_account, make_lead

CASES_A_ROUTE = 4
OPERATIONS = [made.ok() for made in schemathesis.openapi.from_dict(describe(all_routes())).get_all_operations()]


def drawn(strategy: SearchStrategy[Any], count: int) -> list[Any]:
    """Draw the same examples each time."""
    found: list[Any] = []

    @hypothesis.settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def keep(case: Any) -> None:
        found.append(case)

    keep()
    return found


async def test_the_document_is_served_without_a_token(client: TestClient[Any, Any]) -> None:
    async with client.get("/api/v1/openapi.json") as response:
        document = await response.json()
    assert document["openapi"] == "3.1.0"
    assert "post" in document["paths"]["/leads/{id}/convert"]
    schemathesis.openapi.from_dict(document).validate()


def test_every_operation_has_its_own_name_and_a_summary() -> None:
    operations = [operation for path in describe(all_routes())["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) == len(all_routes())
    assert all(operation["summary"].endswith(".") for operation in operations)


@pytest.mark.slow  # some hundred requests, right ones and wrong ones, to every route
@pytest.mark.parametrize("mode", list(GenerationMode))
async def test_nothing_that_can_be_asked_breaks_it(core: Core, admin: Caller, sales: Caller, mode: GenerationMode) -> None:
    assert sales.employee is not None
    await make_customer_account(core, await make_lead(core, owner_id=sales.employee.id))
    broken, answered = [], 0
    for operation in OPERATIONS:
        for case in drawn(operation.as_strategy(generation_mode=mode), CASES_A_ROUTE):
            status, _ = await send((admin, sales)[answered % 2], case, lambda path: path)
            answered += 1
            if status >= 500:
                broken.append((status, case.method, case.path, case.path_parameters, case.query, case.body))
    assert not broken
    assert answered > len(OPERATIONS)


async def test_records_that_exist_do_not_break_it_either(core: Core, admin: Caller, sales: Caller) -> None:
    """Numbers drawn at random hit nothing; here every `{id}` is one that is there."""
    assert sales.employee is not None
    lead = await make_lead(core, owner_id=sales.employee.id)
    await admin.post("/follow-ups", {"subject_kind": "lead", "subject_id": lead.id, "summary": "已通话"})
    for operation in OPERATIONS:
        if "{id}" in operation.path and "depart" not in operation.path:
            for case in drawn(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), 2):
                status, answer = await send(admin, case, lambda path: path.replace("{id}", str(lead.id)))
                assert status < 500, (case.method, case.path, case.body, answer)


async def send(caller: Caller, case: Any, place: Callable[[str], str]) -> tuple[int, Any]:
    path = place(case.path)
    for name, value in (case.path_parameters or {}).items():
        path = path.replace(f"{{{name}}}", str(URL.build(path=f"/{value}").raw_path)[1:] or "0")
    options: dict[str, Any] = {}
    if not isinstance(case.body, NotSet):
        options["data"] = case.body if isinstance(case.body, bytes) else json.dumps(case.body, default=repr)
    if case.query:
        # A line over 8 KiB is refused by the server before the API sees it.
        options["params"] = [(name, str(value)[:300]) for name, value in case.query.items()]
    key = (case.headers or {}).get("Idempotency-Key", "")
    if key and key.isprintable() and key.isascii():
        options["headers"] = {"Idempotency-Key": key}
    return await caller.ask(case.method, path, **options)
