"""The route table, and the rights matrix made from it: every role on every route."""

import pytest

from bot.api.app import all_routes
from bot.api.routes import Routes
from crm_core.access import RESOURCES, Actor, Role, may
from tests.bot.api.test_leads import Make

ROUTES = all_routes()
# Addresses whose rights are another resource's.
BELONGS_TO = {
    "departments": "employees",
    "cleaning-cases": "duplicates",
    "match-rules": "duplicates",
    "assignment-profiles": "leads",
    "sales-scripts": "templates",
    "work-summary": "employees",
    "mail-addresses": "follow-ups",
    "people": "tags",
    "dashboard": "customers",
    "timeline": "messages",
    "search": "leads",
    "scoring": "leads",
    "profiles": "contacts",
    "transfers": "customers",
    "leave": "customers",
    "fields": "customers",
    "purchases": "customers",
    "ratings": "customers",
    "purchase-proposals": "opportunities",
    # A report belongs to what it counts.
    "life-cycle": "customers",
    "customer-value": "customers",
    "service": "customers",
    "funnel": "opportunities",
    "forecast": "opportunities",
    "competitors": "opportunities",
    "stuck-opportunities": "opportunities",
}


def test_every_route_has_a_scope_of_its_own_resource() -> None:
    for route in ROUTES:
        resource, _, action = route.scope.partition(":")
        first, *rest = route.path.strip("/").split("/")
        assert resource in RESOURCES
        belongs = {BELONGS_TO.get(part, part) for part in (first, *rest)}
        assert resource in belongs, route.path
        reads = route.method == "GET" or route.path.endswith(("/preview", "/duplicates"))
        assert action == ("read" if reads else "write"), route.path


def test_a_route_without_a_known_scope_is_refused_at_import() -> None:
    with pytest.raises(ValueError, match="no such scope"):
        Routes().get("/things", scope="things:read")


def test_no_address_is_declared_twice() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_is_let_in_where_the_table_says_and_nowhere_else(caller: Make, role: Role) -> None:
    someone = await caller(role)
    allowed = 0
    for route in ROUTES:
        # An unknown field: whoever is let in is told about it, whoever is not never gets that far.
        body = {"json": {"gibt_es_nicht": 1}} if route.body else {}
        status, answer = await someone.ask(route.method, route.path.replace("{id}", "424242"), **body)
        expected = {200, 404, 422} if may(Actor(role, "x"), route.scope) else {403}
        assert status in expected, (route.method, route.path, answer)
        allowed += status != 403
    assert (allowed == len(ROUTES)) == (role is Role.ADMIN)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_nobody_gets_in_without_a_token(caller: Make, route: object) -> None:
    nobody = await caller(Role.ADMIN)
    nobody.token = "nichts"
    assert await nobody.refused(route.method, route.path.replace("{id}", "1")) == (401, "token.missing")  # type: ignore[attr-defined]


async def test_a_scope_narrows_a_role(caller: Make) -> None:
    reader = await caller(Role.ADMIN, scopes=("leads:read",))
    writer = await caller(Role.ADMIN, scopes=("leads:write",))
    for one in (reader, writer):
        await one.get("/leads")
        assert await one.refused("GET", "/customers") == (403, "refused")
    assert await reader.refused("POST", "/leads", {"name": "张伟"}) == (403, "refused")
    await writer.post("/leads", {"name": "张伟"})
