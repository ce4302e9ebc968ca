"""The route table: every address of the API with its scope, its body and what it answers.

A resource file makes one `Routes` and declares its handlers on it; `endpoint.py` runs them, `openapi.py` describes
them, and the rights matrix of the tests is made from them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from msgspec import Struct

from bot.api.resources import Resource
from crm_core.access import RESOURCES, Actor
from crm_core.ports import Core

Handler = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked: who asks for what. `number` is the `{id}` of the address, `query` the typed filters."""

    core: Core
    actor: Actor
    number: int = 0
    query: Mapping[str, Any] = field(default_factory=dict)
    limit: int = 100
    cursor: int | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One address and method. `creates`: answers 201 and honours Idempotency-Key; `filters`: a list's, by name and type."""

    method: str
    path: str
    scope: str
    handler: Handler
    summary: str
    body: type[Struct] | None = None
    creates: bool = False
    lists: bool = False
    uploads: bool = False
    """The body is a file as it is, of any size the handler allows; it is given as a stream."""
    filters: Mapping[str, Any] = field(default_factory=dict)
    shows: Resource | None = None

    @property
    def status(self) -> int:
        """The status of success."""
        return 201 if self.creates else 200


class Routes:
    """The routes of one resource file, in the order of declaration."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def lists(
        self, path: str, *, scope: str, filters: Mapping[str, Any] | None = None, shows: Resource | None = None
    ) -> Callable[[Handler], Handler]:
        """Declare a list with paging and filters."""
        return self._declare("GET", path, scope, lists=True, filters=filters or {}, shows=shows)

    def get(self, path: str, *, scope: str, shows: Resource | None = None) -> Callable[[Handler], Handler]:
        """Declare one record."""
        return self._declare("GET", path, scope, shows=shows)

    def creates(self, path: str, *, scope: str, shows: Resource | None = None) -> Callable[[Handler], Handler]:
        """Declare what makes something: 201, and the same answer again for the same Idempotency-Key."""
        return self._declare("POST", path, scope, creates=True, shows=shows)

    def post(self, path: str, *, scope: str, shows: Resource | None = None) -> Callable[[Handler], Handler]:
        """Declare an action on a record: 200."""
        return self._declare("POST", path, scope, shows=shows)

    def patch(self, path: str, *, scope: str, shows: Resource | None = None) -> Callable[[Handler], Handler]:
        """Declare a change of a record's fields."""
        return self._declare("PATCH", path, scope, shows=shows)

    def uploads(self, path: str, *, scope: str, shows: Resource | None = None) -> Callable[[Handler], Handler]:
        """Declare the taking of a file."""
        return self._declare("PUT", path, scope, uploads=True, shows=shows)

    def delete(self, path: str, *, scope: str) -> Callable[[Handler], Handler]:
        """Declare the taking off of something."""
        return self._declare("DELETE", path, scope)

    def _declare(self, method: str, path: str, scope: str, **more: Any) -> Callable[[Handler], Handler]:
        resource, _, action = scope.partition(":")
        if resource not in RESOURCES or action not in ("read", "write"):
            raise ValueError(f"{method} {path}: no such scope {scope!r}")

        def keep(handler: Handler) -> Handler:
            summary = (handler.__doc__ or "").partition("\n")[0]
            body = get_type_hints(handler).get("body")
            self.routes.append(Route(method, path, scope, handler, summary, body=body, **more))
            return handler

        return keep
