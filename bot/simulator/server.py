"""The one HTTP server of all platforms: reads, records, runs into faults, hands to the right platform.

It dispatches by exact path in a dictionary, because the simulators must answer faster than
whatever is measured against them.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage

from bot.simulator.calls import Answer, AsyncHandler, Call, Handler, Refused, Upload
from bot.simulator.faults import Fault, FaultKind, Faults
from bot.simulator.records import Json, Records

SocketHandler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
MAX_BODY_BYTES = 32 * 1024 * 1024
HTML_502 = b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
HANGING = frozenset({FaultKind.HANG, FaultKind.HANG_AFTER})
RESETTING = frozenset({FaultKind.RESET, FaultKind.RESET_AFTER})
HTML = frozenset({FaultKind.HTML, FaultKind.HTML_AFTER})
AFTER = frozenset({FaultKind.HANG_AFTER, FaultKind.STATUS_AFTER, FaultKind.HTML_AFTER, FaultKind.RESET_AFTER})


class SimulatorServer:
    """Listens on one port for every platform and for the control interface."""

    def __init__(self, records: Records, faults: Faults) -> None:
        self.records = records
        self.faults = faults
        self.host = "127.0.0.1"
        self.port = 0
        self._handlers: dict[str, Handler] = {}
        self._controls: dict[str, AsyncHandler] = {}
        self._sockets: dict[str, SocketHandler] = {}
        self._released = asyncio.Event()
        self._web: web.Server | None = None
        self._runner: web.ServerRunner | None = None
        self._site: web.TCPSite | None = None

    def add(self, handlers: Mapping[str, Handler]) -> None:
        """Serve paths of a platform; recorded, and open to faults."""
        self._handlers.update(handlers)

    def add_controls(self, handlers: Mapping[str, AsyncHandler]) -> None:
        """Serve paths of the control interface; neither recorded nor disturbed."""
        self._controls.update(handlers)

    def add_sockets(self, handlers: Mapping[str, SocketHandler]) -> None:
        """Serve WebSocket paths of a platform; the opening is recorded, and open to faults."""
        self._sockets.update(handlers)

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one, found in `port` afterwards."""
        self._web = web.Server(self._serve, request_factory=_make_request, access_log=None)
        self._runner = web.ServerRunner(self._web, shutdown_timeout=1.0)
        await self._runner.setup()
        self.host, self.port = host, port
        await self.accept()

    async def accept(self) -> None:
        """Open the door (again), at the same port."""
        if self._site is not None or self._runner is None:
            return
        self._site = web.TCPSite(self._runner, self.host, self.port)
        await self._site.start()
        self.port = int(self._runner.addresses[0][1])

    async def refuse(self) -> None:
        """Close the door: open connections break and new ones are refused."""
        if self._site is None or self._web is None:
            return
        await self._site.stop()
        self._site = None
        for connection in list(self._web.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def stop(self) -> None:
        """Let hanging calls go and close."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        control = self._controls.get(path)
        if control is not None:
            return await self._control(control, request)
        call = await read_call(request)
        fault = self.faults.take(path)
        self.records.called(call.method, path, call.query, call.body, fault.kind if fault else "")
        if fault is None:
            socket = self._sockets.get(path)
            return _response(self._carry_out(call)) if socket is None else await socket(request)
        return await self._fail(fault, call, request)

    async def _control(self, control: AsyncHandler, request: web.BaseRequest) -> web.StreamResponse:
        try:
            answer = await control(await read_call(request))
        except Refused as refusal:
            answer = refusal.answer
        return _response(answer)

    def _carry_out(self, call: Call) -> Json | Answer:
        handler = self._handlers.get(call.path) or self._handlers.get(call.path.rsplit("/", 1)[0] + "/*")
        if handler is None:
            return Answer(404, data=b"404 page not found", content_type="text/plain")
        try:
            return handler(call)
        except Refused as refusal:
            self.records.refusals[call.path, refusal.code] += 1
            return refusal.answer

    async def _fail(self, fault: Fault, call: Call, request: web.BaseRequest) -> web.StreamResponse:
        if fault.kind is FaultKind.SLOW:
            await self._wait(fault.delay_seconds)
            return _response(self._carry_out(call))
        if fault.kind in AFTER:
            self._carry_out(call)
        if fault.kind in HANGING:
            await self._released.wait()
        if fault.kind in HANGING | RESETTING:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        return _response(_failure(fault))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._released.wait()
        except TimeoutError:
            return


def _make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY_BYTES)


async def read_call(request: web.BaseRequest) -> Call:
    """Read a whole request, files of a form included."""
    if request.content_type.startswith("multipart/"):
        uploads, form = await _read_form(request)
        return Call(request.method, request.path, request.query, request.headers, b"", uploads, form)
    body = await request.read() if request.can_read_body else b""
    return Call(request.method, request.path, request.query, request.headers, body)


async def _read_form(request: web.BaseRequest) -> tuple[dict[str, Upload], dict[str, str]]:
    uploads: dict[str, Upload] = {}
    form: dict[str, str] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            uploads[name] = Upload(value.filename, value.content_type, value.file.read())
        elif isinstance(value, str):
            form[name] = value
    return uploads, form


def _failure(fault: Fault) -> Answer:
    if fault.kind in HTML:
        return Answer(502, data=HTML_502, content_type="text/html")
    if fault.kind is FaultKind.ANSWER:
        return Answer(fault.status, fault.body)
    return Answer(fault.status, data=b"Internal Server Error", content_type="text/plain")


def _response(answer: Json | Answer) -> web.Response:
    if not isinstance(answer, Answer):
        return web.Response(body=_dump(answer), content_type="application/json", charset="utf-8")
    if answer.json is not None:
        body = _dump(answer.json)
        return web.Response(body=body, status=answer.status, content_type="application/json", charset="utf-8")
    return web.Response(body=answer.data, status=answer.status, content_type=answer.content_type)


def _dump(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
