"""A scripted platform on loopback: it answers what a test laid ready and remembers what it was asked."""

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

HANG_UP = object()
"""Laid ready as an answer: the connection breaks after the request was read."""


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


class Platform:
    """Answers laid ready are used once each, in order, the last one again and again."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: dict[str, list[Any]] = defaultdict(list)
        self.tokens = 0
        self._server: TestServer | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return str(self._server.make_url("")).rstrip("/")

    def lay(self, path: str, *answers: Any) -> None:
        """Lay answers ready: a dict is JSON with 200; a pair is status and dict or HTML."""
        self.answers[path] += answers

    def asked(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._server = TestServer(app)
        await self._server.start_server()

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        call = Call(request.method, request.path, dict(request.query), dict(request.headers), await request.read())
        self.calls.append(call)
        ready = self.answers[request.path]
        laid = ready[0] if ready else self._default(request.path)
        answer = ready.pop(0) if len(ready) > 1 else laid
        if answer is HANG_UP:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        if isinstance(body, bytes):
            return web.Response(status=status, body=body, content_type="application/octet-stream")
        if isinstance(body, str):
            return web.Response(status=status, text=body, content_type="text/html")
        return web.json_response(body, status=status)

    def _default(self, path: str) -> dict[str, Any]:
        if path == "/cgi-bin/stable_token":
            self.tokens += 1
            return {"access_token": f"token-{self.tokens}", "expires_in": 7200}
        if path == "/v1.0/oauth2/accessToken":
            self.tokens += 1
            return {"accessToken": f"token-{self.tokens}", "expireIn": 7200}
        if path.endswith(("batchSend", "groupMessages/send")):
            return {"processQueryKey": "pk"}
        return {"errcode": 0, "errmsg": "ok"}
