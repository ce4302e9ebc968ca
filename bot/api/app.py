"""The API as an application of its own, mounted at `/api/v1`."""

from datetime import timedelta

from aiohttp import web

from bot.api import (
    activities,
    audit,
    broadcasts,
    change_sets,
    customer_care,
    customers,
    daily_work,
    dashboard,
    departments,
    documents,
    duplicates,
    greetings,
    imports,
    leads,
    messages,
    opportunities,
    own_fields,
    ownership,
    people,
    pools,
    reminders,
    sales_scripts,
    scores,
    segments,
    targets,
    templates,
    visits,
)
from bot.api.endpoint import BODY_WITHIN, make_endpoint, respond
from bot.api.errors import errors_as_json
from bot.api.openapi import describe
from bot.api.routes import Route
from crm_core.ports import Core

PREFIX = "/api/v1"
_ID = r"{id:\d{1,18}}"
_MIB = 1024 * 1024
FAMILIES = (
    people,
    messages,
    leads,
    customers,
    customer_care,
    ownership,
    own_fields,
    opportunities,
    targets,
    activities,
    reminders,
    segments,
    dashboard,
    templates,
    broadcasts,
    greetings,
    audit,
    duplicates,
    change_sets,
    imports,
    departments,
    pools,
    sales_scripts,
    scores,
    visits,
    daily_work,
    documents,
)
ROUTES = web.AppKey("routes", tuple)


def all_routes() -> tuple[Route, ...]:
    """List every route of the API."""
    return tuple(route for family in FAMILIES for route in family.routes.routes)


def make_api(core: Core, *, max_body: int = _MIB, body_within: timedelta = BODY_WITHIN) -> web.Application:
    """Make the API over a core, to be mounted at `PREFIX`."""
    app = web.Application(middlewares=[errors_as_json])
    routes = all_routes()
    app[ROUTES] = routes
    for route in routes:
        app.router.add_route(route.method, route.path.replace("{id}", _ID), make_endpoint(core, route, max_body, body_within))
    document = describe(routes)

    async def openapi(_request: web.Request) -> web.Response:
        return respond(document, 200)

    app.router.add_get("/openapi.json", openapi)
    return app
