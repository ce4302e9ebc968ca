"""Web forms: what a visitor posts makes or updates a lead, without a person (线索自动采集).

Each form has an address with its own token. The token stands in a public page and is no secret that protects: the guard
against machines does (hidden field, time to fill, posts an address, repeats). Reading order: `Forms.answer`.
"""

import hashlib
import hmac
from collections import OrderedDict, deque
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import structlog
from aiohttp import web

from bot.api.bodies import BodyTooLarge, BodyTooSlow, BrokenBody
from bot.api.endpoint import read_capped
from bot.api.errors import error_response
from bot.channel import BadRequest
from bot.envelope_json import parse_object
from bot.metrics import peer_of
from bot.settings import FormSettings, ServerSettings
from crm_core import collecting, quarantine
from crm_core.access import Actor
from crm_core.collecting import NotCollected
from crm_core.errors import Unavailable
from crm_core.importing.columns import KINDS, plain_head
from crm_core.lead_rules import SourceRule
from crm_core.ports import Core
from crm_core.quarantine import as_reasons
from crm_core.validation import LABELS, Problem, checked, missing

log = structlog.get_logger(__name__)

MAX_BODY = 64 * 1024
MOST_FIELDS = 60
MOST_ADDRESSES = 10_000
"""Addresses whose posts are counted at once; the oldest are forgotten."""
REPEATS_KNOWN_FOR = timedelta(hours=24)
TICKET_LASTS = timedelta(days=1)
TICKET, KEY = "_ticket", "_id"
"""Fields of ours: the ticket of the page, and what makes a repeated post the same post."""
_SEEN_BY_MACHINES = "填了看不见的字段"
_LONGEST = 2_000
_MINUTE = 60.0
_NOT_ASKED = frozenset({"owner", "created_at", "recorded_by", "openid", "channel"})
"""What a visitor does not decide."""
_HEADERS = "Content-Type, Idempotency-Key"


class Forms:
    """Answers `/forms/NAME/TOKEN`."""

    def __init__(self, core: Core, forms: Mapping[str, FormSettings], server: ServerSettings) -> None:
        self._core = core
        self._forms = forms
        self._server = server
        self._posts: OrderedDict[str, deque[float]] = OrderedDict()
        columns = [column for column in KINDS["leads"].columns if column.field not in _NOT_ASKED]
        words = [(word, each.field) for each in columns for word in (each.field, each.label, *each.also.split())]
        self._names = {plain_head(word): field for word, field in reversed(words)}

    def add_to(self, application: web.Application) -> None:
        """Mount the address."""
        for method in ("GET", "POST", "OPTIONS"):
            application.router.add_route(method, "/forms/{name}/{token}", self.answer)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a preflight, give a ticket, or take what was posted."""
        name = request.match_info["name"]
        form = self._forms.get(name)
        if form is None or not hmac.compare_digest(request.match_info["token"].encode(), form.token.reveal().encode()):
            return error_response(404, "address.unknown", "没有这个地址")
        origin = request.headers.get("Origin", "")
        if request.method == "OPTIONS" or (origin and form.allowed_origins):
            if origin not in form.allowed_origins:
                return error_response(403, "form.origin", "这个网页不能提交到这里")
            response = web.Response(status=204) if request.method == "OPTIONS" else await self._take(request, name, form)
            return _shared(response, origin)
        return await self._take(request, name, form)

    async def _take(self, request: web.Request, name: str, form: FormSettings) -> web.Response:
        if request.method == "GET":
            return _json({"ticket": self._ticket(name, form)})
        if not self._may_post(f"{name}:{peer_of(request, self._server)}", form):
            response = error_response(429, "form.too_many", "提交太频繁，请稍后再试")
            response.headers["Retry-After"] = "60"
            return response
        try:
            posted = _read(request.content_type, await read_capped(request, MAX_BODY))
        except BodyTooLarge:
            return error_response(413, "body.too_large", "提交的内容太长")
        except (BadRequest, BodyTooSlow, BrokenBody):
            return error_response(400, "body.unreadable", "提交的内容无法读取")
        try:
            return await self._collect(name, form, posted, request.headers.get("Idempotency-Key", ""))
        except Unavailable as error:
            return error_response(503, error.code, error.sentence())

    async def _collect(self, name: str, form: FormSettings, posted: dict[str, str], key: str) -> web.Response:
        core = self._core
        reason = self._suspicion(name, form, posted)
        mark = _mark(name, key or posted.pop(KEY, ""), posted)
        posted.pop(TICKET, None)
        said, rest = self._fields(posted)
        async with core.db.transaction():
            await core.db.serialize(mark)
            known = await core.state.get(mark)
            if known is not None:
                return _json(msgspec.json.decode(known))
            source = form.source or name
            problems = [] if reason == _SEEN_BY_MACHINES else _problems(form, said)
            if reason and not problems:
                await core.db.run(quarantine.put(core, "leads", source, [(None, said, [("疑似垃圾", reason)])]))
                answer: dict[str, Any] = {"ok": True}
            else:
                answer = {"ok": True}
                problems = problems or await self._make(name, source, said, rest)
                if problems:
                    if await core.state.add(f"{mark}:refused", "1", lasts=REPEATS_KNOWN_FOR):
                        await core.db.run(quarantine.put(core, "leads", source, [(None, said, as_reasons(problems))]))
                    return _refused(problems)
            await core.state.set(mark, msgspec.json.encode(answer).decode(), lasts=REPEATS_KNOWN_FOR)
        return _json(answer)

    async def _make(self, name: str, source: str, said: dict[str, str], rest: str) -> list[Problem]:
        core, actor = self._core, Actor.of_system(f"form:{name}")
        values = {**said, "raw_text": rest} if rest else said
        try:
            made = await collecting.collect(core, actor, values, source=source, channel=f"form:{name}")
        except NotCollected as error:
            return error.problems
        log.info("form_taken", form=name, made=made.made, lead_id=made.lead_id)
        return []

    def _fields(self, posted: Mapping[str, str]) -> tuple[dict[str, str], str]:
        """Part what we know from the rest, which is kept as words."""
        said: dict[str, str] = {}
        rest = []
        for name, value in posted.items():
            field = self._names.get(plain_head(name))
            if field is None or field in said:
                rest.append(f"{name[:64]}：{value[:_LONGEST]}")
            elif value.strip():
                said[field] = value[:_LONGEST]
        return said, "\n".join(rest)[:_LONGEST]

    def _suspicion(self, name: str, form: FormSettings, posted: dict[str, str]) -> str:
        """Tell why this was no person, or nothing. A machine is answered like a person, so that it learns nothing.

        A wrong field is told before a missing ticket is held against anybody: it may be a page that was built wrong.
        """
        if form.honeypot and posted.pop(form.honeypot, "").strip():
            return _SEEN_BY_MACHINES
        if not form.min_fill:
            return ""
        at, _, sign = posted.get(TICKET, "").partition(".")
        known = at.isascii() and at.isdecimal() and len(at) <= 12
        if not known or not hmac.compare_digest(sign.encode("utf-8", "replace"), _sign(name, form, at).encode()):
            return "没有打开过网页"
        seconds = self._core.clock.now().timestamp() - int(at)
        fits = form.min_fill.total_seconds() <= seconds <= TICKET_LASTS.total_seconds()
        return "" if fits else "填得太快，或网页打开太久"

    def _ticket(self, name: str, form: FormSettings) -> str:
        at = str(int(self._core.clock.now().timestamp()))
        return f"{at}.{_sign(name, form, at)}"

    def _may_post(self, who: str, form: FormSettings) -> bool:
        now = self._core.clock.monotonic()
        posts = self._posts.setdefault(who, deque())
        self._posts.move_to_end(who)
        while len(self._posts) > MOST_ADDRESSES:
            self._posts.popitem(last=False)
        while posts and posts[0] <= now - _MINUTE:
            posts.popleft()
        if len(posts) >= form.per_minute:
            return False
        posts.append(now)
        return True


def _sign(name: str, form: FormSettings, at: str) -> str:
    return hmac.new(form.token.reveal().encode(), f"{name}.{at}".encode(), hashlib.sha256).hexdigest()[:32]


def _mark(name: str, key: str, posted: Mapping[str, str]) -> str:
    """Name what makes two posts one: the key the page gave, else all that it says."""
    said = key or msgspec.json.encode(sorted((field, text) for field, text in posted.items() if field != TICKET)).decode()
    return f"form:{name}:{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()}"


def _read(content_type: str, body: bytes) -> dict[str, str]:
    """Read a form's fields as texts. Raises: BadRequest."""
    if content_type == "application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
        except ValueError as error:
            raise BadRequest("form") from error
        return dict(reversed(pairs))  # of a field that came twice, the first
    if content_type not in ("application/json", "text/plain", "application/octet-stream"):
        raise BadRequest("type")
    found = parse_object(body)
    if len(found) > MOST_FIELDS or not all(isinstance(value, (str, int, float, bool, type(None))) for value in found.values()):
        raise BadRequest("fields")
    return {name: "" if value is None else str(value) for name, value in found.items()}


def _problems(form: FormSettings, said: Mapping[str, str]) -> list[Problem]:
    """Tell what the form asks for and is not there; one sentence a field."""
    values = checked(said)
    if values.problems:
        return values.problems
    absent = missing(values.values, SourceRule(name="form", requires=form.required), set())
    return [Problem(each.field, f"请填写{LABELS[each.field]}") for each in absent]


def _refused(problems: list[Problem]) -> web.Response:
    fields = {problem.field: problem.reason for problem in reversed(problems)}
    return error_response(422, "fields.invalid", problems[0].reason, fields)


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _shared(response: web.Response, origin: str) -> web.Response:
    response.headers.update(
        {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": _HEADERS,
            "Access-Control-Max-Age": "600",
            "Vary": "Origin",
        }
    )
    return response


async def show_template(request: web.Request) -> web.Response:
    """Give an import's template to whoever asks: it holds names of columns and nothing else."""
    from crm_core.importing.template import template  # its writer is loaded when the first one is asked for

    kind, form = request.match_info["kind"], request.match_info["form"]
    types = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
    if kind not in KINDS or form not in types:
        return error_response(404, "address.unknown", "没有这个地址")
    name = f"attachment; filename={kind}.{form}"
    return web.Response(body=template(kind, form), content_type=types[form], headers={"Content-Disposition": name})
