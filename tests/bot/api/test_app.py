"""The API as an application."""

from bot.api.app import PREFIX, ROUTES, all_routes, make_api
from crm_core.access import RESOURCES
from crm_core.ports import Core


async def test_every_route_of_the_table_is_mounted(core: Core) -> None:
    app = make_api(core)
    assert PREFIX == "/api/v1"
    assert app[ROUTES] == all_routes()
    mounted = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    assert {(route.method, route.path) for route in all_routes()} <= mounted


def test_every_resource_but_tokens_can_be_asked_for() -> None:
    """Tokens are made on the command line only: one that leaks must not be able to make others."""
    assert {route.scope.partition(":")[0] for route in all_routes()} == RESOURCES - {"tokens"}
