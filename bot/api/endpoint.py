"""From a route to an aiohttp handler: who asks, may they, what do they ask, answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import structlog
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from bot.api import idempotency
from bot.api.bodies import MAX_ID, BodyTooLarge, BodyTooSlow, BrokenBody, read_body, wrong_fields
from bot.api.listing import read_query
from bot.api.routes import Call, Route
from crm_core import access, tokens
from crm_core.access import Actor
from crm_core.errors import CrmError, NotFound, Refused
from crm_core.ports import Core

log = structlog.get_logger(__name__)

BODY_WITHIN = timedelta(seconds=10)
_BEARER = "bearer "
_MAX_TOKEN = 200
_encode = msgspec.json.Encoder().encode


class NoToken(CrmError):
    """Nobody knows who asks."""

    status = 401
    code = "token.missing"
    text = "缺少令牌或令牌无效"


def make_endpoint(
    core: Core, route: Route, max_body: int, body_within: timedelta = BODY_WITHIN
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Make the aiohttp handler of one route."""

    async def answer(request: web.Request) -> web.Response:
        actor = await authenticate(request)
        actor = actor.for_pools(core.settings.pools.closed_to(actor.role))
        try:
            return await answer_to(actor, request)
        except Refused as refused:
            if route.method != "GET":
                # The try is written down: it is what a house asks for when something is missing.
                after = {"route": f"{route.method} {route.path}", "id": request.match_info.get("id", ""), "code": refused.code}
                await access.record(core, actor, "api.refused", ("routes", None), after=after)
            raise

    async def answer_to(actor: Actor, request: web.Request) -> web.Response:
        access.require(actor, route.scope)
        call = _call(core, actor, route, request)
        if route.uploads:
            return respond(await route.handler(call, _parts(request, body_within)), route.status)
        if route.body is None:
            return respond(await route.handler(call), route.status)
        raw = await read_capped(request, max_body, body_within)
        body = read_body(raw, route.body)
        key = request.headers.get("Idempotency-Key", "") if route.creates else ""
        if not key:
            return respond(await route.handler(call, body), route.status)
        return respond(await idempotency.once(call, route, key, body, lambda: route.handler(call, body)), route.status)

    return answer


async def authenticate(request: web.Request) -> Actor:
    """Tell who acts; asked of the database each time, so that a revoked token ends at once. Raises: NoToken."""
    header = request.headers.get(hdrs.AUTHORIZATION, "")
    token = header[len(_BEARER) :].strip()
    if not header.lower().startswith(_BEARER) or not 0 < len(token) <= _MAX_TOKEN or not token.isascii():
        raise NoToken
    actor = await tokens.actor_of_token(token)
    if actor is None:
        raise NoToken
    return actor


async def read_capped(request: web.Request, limit: int, within: timedelta = BODY_WITHIN) -> bytes:
    """Read a body, never more of it than allowed and not for ever. Raises: BodyTooLarge; BodyTooSlow; BrokenBody."""
    if (request.content_length or 0) > limit:
        raise BodyTooLarge
    try:
        async with asyncio.timeout(within.total_seconds()):
            return await _read_to(request, limit)
    except TimeoutError:
        log.warning("api_body_too_slow", path=request.path)
        raise BodyTooSlow from None
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        # The caller's fault or the line's: one warning, no traceback.
        log.warning("api_body_broken", path=request.path, why=type(error).__name__)
        # The server reads the rest away after the answer, and expects there only that nothing comes any more.
        request.content.set_exception(TimeoutError())
        raise BrokenBody from None


async def _parts(request: web.Request, within: timedelta) -> AsyncIterator[bytes]:
    """Give a file part by part; each has its time, so that a slow line may send a big file and a dead one ends."""
    parts = request.content.iter_any()
    try:
        while True:
            async with asyncio.timeout(within.total_seconds()):
                part = await anext(parts, b"")
            if not part:
                return
            yield part
    except TimeoutError:
        raise BodyTooSlow from None
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
        request.content.set_exception(TimeoutError())
        raise BrokenBody from None


async def _read_to(request: web.Request, limit: int) -> bytes:
    raw = b""
    async for chunk in request.content.iter_any():
        raw += chunk
        if len(raw) > limit:
            raise BodyTooLarge
    return raw


def respond(value: Any, status: int) -> web.Response:
    """Write an answer as JSON."""
    return web.Response(body=_encode(value), status=status, content_type="application/json")


def _call(core: Core, actor: Actor, route: Route, request: web.Request) -> Call:
    number = int(request.match_info.get("id", "0"))
    if number > MAX_ID:
        raise NotFound
    if route.lists:
        query, limit, cursor = read_query(request.query, [name for name, _ in request.query.items()], route.filters)
        return Call(core, actor, number, query, limit, cursor)
    if request.query:
        raise wrong_fields({name[:64]: "没有这个参数" for name in request.query})
    return Call(core, actor, number)
