"""The page at `/` and its JSON addresses under `/demo/`: they drive the simulated platforms, and show what came of it."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
from aiohttp import web

from bot.api.endpoint import read_capped
from bot.demo import greeting
from bot.demo.stage import ON_PHONES, Stage
from bot.demo.state import state_of
from crm_core.errors import CrmError

STATIC = Path(__file__).parent / "static"
MAX_WORDS = 1000
MAX_BODY = 64 * 1024
LOOK_SECONDS = 0.1
"""How soon a new chat line is seen."""
STATE_SECONDS = 0.7
"""How soon anything else is seen."""
SILENCE_SECONDS = 15.0
LONGEST_TURN = timedelta(days=7)
LONGEST_HOURS = LONGEST_TURN / timedelta(hours=1)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_FILES = {
    "/": ("index.html", "text/html"),
    "/demo/page.css": ("page.css", "text/css"),
    "/demo/page.js": ("page.js", "text/javascript"),
    "/demo/dom.js": ("dom.js", "text/javascript"),
    "/demo/phones.js": ("phones.js", "text/javascript"),
    "/demo/panel.js": ("panel.js", "text/javascript"),
    "/demo/greeting.js": ("greeting.js", "text/javascript"),
}
Act = Callable[[Any], Awaitable[Mapping[str, Any] | None]]
Id = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_HTTP_PORT = 80
_OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")
_encode = msgspec.json.Encoder().encode


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """An action without particulars."""


class Scene(msgspec.Struct, forbid_unknown_fields=True):
    """Following or scanning; an empty scene is no QR code."""

    scene: str = ""


class Words(msgspec.Struct, forbid_unknown_fields=True):
    """Something said. `staff_id` is empty for the customer."""

    text: str
    staff_id: str = ""


class Turn(msgspec.Struct, forbid_unknown_fields=True):
    """Turning the platforms' clock; no hours set it right again."""

    hours: float = 0


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    """What a greeting is tried with."""

    staff_id: str
    template_id: Id
    segment_id: Id
    draft_id: Id | None = None


class Approval(msgspec.Struct, forbid_unknown_fields=True):
    """What is approved or dropped, and by whom."""

    staff_id: str
    broadcast_id: Id


def add_page(application: web.Application, stage: Stage) -> None:
    """Add the page and its addresses to the product's web application."""
    for path, (name, content_type) in _FILES.items():
        application.router.add_get(path, _file(STATIC / name, content_type))
    actions = _Actions(stage)
    for path, (kind, act) in actions.table().items():
        application.router.add_post(f"/demo/{path}", _action(kind, act))
    application.router.add_get("/demo/state", actions.show_state)
    application.router.add_get("/demo/stream", actions.stream)
    application.router.add_get("/demo/greeting", actions.show_greeting)
    application.on_shutdown.append(actions.close)
    application.middlewares.append(own_name_only(stage.port))


def own_name_only(port: int) -> Any:
    """Refuse whoever calls this machine by another name: a foreign page may point its own name here (DNS rebinding)."""
    own = {f"{name}:{port}" for name in _OWN_NAMES} | (set(_OWN_NAMES) if port == _HTTP_PORT else set())

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Host", "").lower() not in own:
            return _problem(403, "只能用本机地址打开")
        return await handler(request)

    return check


def _file(path: Path, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    body = path.read_bytes()
    tag = hashlib.sha256(body).hexdigest()[:16]

    async def answer(request: web.Request) -> web.Response:
        headers = {**_HEADERS, "ETag": f'"{tag}"'}
        if request.headers.get("If-None-Match") == f'"{tag}"':
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)

    return answer


def _action(kind: type[msgspec.Struct], act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Make a handler of one action. JSON only: a form of a foreign page cannot send that without being asked first."""

    async def answer(request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            return _problem(415, "需要 JSON")
        try:
            fields = msgspec.json.decode(await read_capped(request, MAX_BODY), type=kind)
        except CrmError as error:
            return _problem(error.status, error.sentence())
        except msgspec.ValidationError:
            return _problem(422, "请求的字段有误")
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _problem(400, "请求内容有误")
        try:
            return _json(await act(fields) or {})
        except CrmError as error:
            return _problem(error.status, error.sentence())

    return answer


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(
        body=_encode(value), status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _problem(status: int, sentence: str) -> web.Response:
    return _json({"error": sentence}, status)


class Impossible(CrmError):
    """Something nobody could do on that phone."""

    status = 422
    code = "demo.impossible"
    text = "{reason}"


class _Actions:
    """What the page can do, each through the platforms."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def table(self) -> dict[str, tuple[type[msgspec.Struct], Act]]:
        """Name the actions with the form of their body."""
        return {
            "customer/follow": (Scene, self._follow),
            "customer/scan": (Scene, self._scan),
            "customer/unfollow": (Nothing, self._unfollow),
            "customer/say": (Words, self._customer_says),
            "customer/new": (Nothing, self._invite),
            "staff/say": (Words, self._staff_says),
            "clock": (Turn, self._turn),
            "greeting/preview": (Draft, self._preview),
            "greeting/approve": (Approval, self._approve),
            "greeting/drop": (Approval, self._drop),
        }

    async def _follow(self, fields: Scene) -> None:
        await self._stage.simulator.wechat.follow(self._stage.visitor.openid, fields.scene[:64] or None)

    async def _scan(self, fields: Scene) -> None:
        await self._stage.simulator.wechat.scan(self._stage.visitor.openid, fields.scene[:64] or "展会")

    async def _unfollow(self, _: Nothing) -> None:
        self._require_follower()
        await self._stage.simulator.wechat.unfollow(self._stage.visitor.openid)

    async def _customer_says(self, fields: Words) -> None:
        self._require_follower()
        await self._stage.simulator.wechat.say(self._stage.visitor.openid, _words(fields.text))

    async def _invite(self, _: Nothing) -> None:
        self._stage.invite()

    async def _staff_says(self, fields: Words) -> None:
        if fields.staff_id not in ON_PHONES:
            raise Impossible(reason="没有这台手机")
        await self._stage.simulator.dingtalk.say(fields.staff_id, _words(fields.text))

    async def _turn(self, fields: Turn) -> None:
        clock = self._stage.simulator.clock
        if not fields.hours:
            clock.reset()
        elif 0 < fields.hours <= LONGEST_HOURS and timedelta(seconds=clock.offset_seconds, hours=fields.hours) <= LONGEST_TURN:
            clock.advance(timedelta(hours=fields.hours))
        else:
            raise Impossible(reason="最多往后拨七天")

    async def _preview(self, fields: Draft) -> Mapping[str, Any]:
        return await greeting.preview(self._stage, fields.staff_id, fields.template_id, fields.segment_id, fields.draft_id)

    async def _approve(self, fields: Approval) -> Mapping[str, Any]:
        return await greeting.approve(self._stage, fields.staff_id, fields.broadcast_id)

    async def _drop(self, fields: Approval) -> Mapping[str, Any]:
        return await greeting.drop(self._stage, fields.staff_id, fields.broadcast_id)

    def _require_follower(self) -> None:
        if not self._stage.follows():
            raise Impossible(reason="还没有关注公众号")

    async def show_greeting(self, request: web.Request) -> web.Response:
        """Tell what the greeting may be made of."""
        try:
            return _json(await greeting.options(self._stage, request.query.get("staff_id", "")))
        except CrmError as error:
            return _problem(error.status, error.sentence())

    async def show_state(self, request: web.Request) -> web.Response:
        """Show everything once."""
        return _json({"now": self._stage.clock.now(), "state": await state_of(self._stage, _person(request))})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Show everything whenever it changes, as server-sent events, until the page leaves or the demo ends."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        last, silent = b"", 0.0
        try:
            while not self._stage.closing:
                shown = _encode(await state_of(self._stage, _person(request)))
                if shown != last:
                    await response.write(b'data: {"now":' + _encode(self._stage.clock.now()) + b',"state":' + shown + b"}\n\n")
                    last, silent = shown, 0.0
                elif silent >= SILENCE_SECONDS:
                    await response.write(b": still here\n\n")
                    silent = 0.0
                silent += await self._wait_for_news()
        except ConnectionError:
            return response
        return response

    async def close(self, _: web.Application) -> None:
        """Let the open streams end."""
        self._stage.closing = True

    async def _wait_for_news(self) -> float:
        """Wait until somebody said something, a while at most; tells how long it was."""
        stage, waited = self._stage, 0.0
        seen = (stage.simulator.records.cursor, stage.simulator.clock.offset_seconds, len(stage.visitors))
        while waited < STATE_SECONDS and not stage.closing:
            await stage.clock.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS
            if seen != (stage.simulator.records.cursor, stage.simulator.clock.offset_seconds, len(stage.visitors)):
                break
        return waited


def _person(request: web.Request) -> int | None:
    number = request.query.get("person", "")
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 16 else None


def _words(text: str) -> str:
    words = text.strip()[:MAX_WORDS]
    if not words:
        raise Impossible(reason="先写点什么")
    return words
