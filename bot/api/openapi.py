"""The OpenAPI 3.1 description, made from the route table and the body structs."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import msgspec

from bot.api.listing import DEFAULT_LIMIT, MAX_LIMIT
from bot.api.resources import schema_of
from bot.api.routes import Route

_REF = "#/components/schemas/{name}"
_ERRORS = {
    400: "unreadable or broken body",
    401: "no token, or a revoked one",
    403: "the role or the token's scopes do not allow it",
    404: "not there, or not visible to the asker",
    408: "the body did not come to its end in time",
    409: "the state forbids it",
    413: "body over the limit",
    422: "unknown or wrong fields",
    429: "too many requests",
    503: "nothing can be made durable now",
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "fields"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "fields": {
                    "type": "object",
                    "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
                },
            },
        }
    },
}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1, "maximum": 2**53}}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key within 24 h gives the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[A-Za-z0-9._~-]+$"},
}
_PAGING = [
    {
        "name": "limit",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    },
    {
        "name": "cursor",
        "in": "query",
        "description": "`next` of the page before",
        "schema": {"type": "string", "pattern": "^[0-9]{1,15}$"},
    },
    {"name": "q", "in": "query", "description": "a text to search for", "schema": {"type": "string", "maxLength": 200}},
]


def describe(routes: Iterable[Route]) -> dict[str, Any]:
    """Make the document."""
    routes = list(routes)
    bodies = {route.body for route in routes if route.body is not None}
    _, schemas = msgspec.json.schema_components(sorted(bodies, key=lambda body: body.__name__), ref_template=_REF)
    for body in bodies:
        # Unknown fields are refused, which a struct alone does not say.
        schemas[body.__name__]["additionalProperties"] = False
    schemas |= {_title(route): schema_of(route.shows) for route in routes if route.shows is not None}
    schemas["Error"] = _ERROR
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "guanxi", "version": version("guanxi")},
        "servers": [{"url": "/api/v1"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(route: Route) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "tags": [route.scope.partition(":")[0]],
        "x-scope": route.scope,
        "parameters": _parameters(route),
        "responses": {
            str(route.status): {"description": "done", "content": _json(_answer(route))},
            **{str(status): {"description": text, "content": _json(_ref("Error"))} for status, text in _ERRORS.items()},
        },
    }
    if route.uploads:
        made["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}
    if route.body is not None:
        made["requestBody"] = {"required": route.body.__name__ != "Empty", "content": _json(_ref(route.body.__name__))}
    return made


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [_ID] if "{id}" in route.path else []
    if route.creates:
        found.append(_KEY)
    if route.lists:
        found += [{"name": name, "in": "query", "schema": _filter(kind)} for name, kind in route.filters.items()]
        found += _PAGING
    return found


def _filter(kind: Any) -> dict[str, Any]:
    if kind is int:
        return {"type": "integer", "minimum": 0, "maximum": 2**53}
    if kind is str:
        return {"type": "string", "maxLength": 200}
    schema: dict[str, Any] = msgspec.json.schema(kind)
    if "$defs" in schema:
        schema = next(iter(schema["$defs"].values()))
    return schema


def _answer(route: Route) -> dict[str, Any]:
    shown = _ref(_title(route)) if route.shows is not None else {"type": "object"}
    if not route.lists:
        return shown
    return {
        "type": "object",
        "required": ["items", "next"],
        "properties": {"items": {"type": "array", "items": shown}, "next": {"type": ["string", "null"]}},
    }


def _title(route: Route) -> str:
    return route.shows.name.title().replace("-", "") if route.shows is not None else ""


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
