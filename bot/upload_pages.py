"""The page on which a colleague sends a table (上传链接), opened by a ticket from their chat: `/imports/TICKET`.

The file is checked as one sent in chat is, and the chat is told the counts. Reading order: `UploadPage.answer`.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from html import escape
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web
from aiohttp.http import HttpProcessingError

from bot.api.imports import keep_parts
from crm_core.employees import Employee, actor_of
from crm_core.errors import CrmError
from crm_core.importing import imports
from crm_core.importing.columns import KINDS
from crm_core.importing.imports import Import
from crm_core.importing.tickets import Ticket, look_up
from crm_core.ports import Core

log = structlog.get_logger(__name__)

UPLOAD_SECONDS = 300
_FIELDS = 8
_CHUNK = 1 << 16
_NO_NAME = re.compile("[\x00-\x1f\x7f]")
"""What stands in no file's name."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>导入表格</title><style>body{{font:16px/1.7 sans-serif;max-width:32em;margin:2em auto;padding:0 1em}}
button{{font:inherit;padding:.4em 1.5em}}</style><h1>导入{label}</h1>{body}</html>"""
_FORM = """<p>{said}</p><form method="post" enctype="multipart/form-data"><p><input type="file" name="file"
accept=".csv,.xlsx,.xls,.txt" required></p><p><button>上传并检查</button></p></form>
<p>模板：<a href="/templates/{kind}.xlsx">xlsx</a>　<a href="/templates/{kind}.csv">csv</a></p>"""


class UploadPage:
    """Answers `/imports/{ticket}`."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def add_to(self, application: web.Application) -> None:
        """Mount the address."""
        for method in ("GET", "POST"):
            application.router.add_route(method, "/imports/{ticket}", self.answer)

    async def answer(self, request: web.Request) -> web.Response:
        """Show the page, or take a file."""
        ticket = await look_up(self._core, request.match_info["ticket"])
        if ticket is None:
            return _page("表格", "<p>链接已失效，请在聊天里回复「导入线索」取新的链接。</p>", 404)
        if request.method == "GET":
            return self._form(ticket, "选择 CSV 或 xlsx 表格，检查结果会发到聊天里，确认后才导入。")
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                row = await self._take(request, ticket)
        except CrmError as error:
            return self._form(ticket, error.sentence(), error.status)
        except (TimeoutError, ValueError, aiohttp.ClientError):
            return self._form(ticket, "文件没有收全，请再试一次。", 400)
        log.info("table_uploaded", import_id=row.id)
        return _page(KINDS[ticket.kind].label, f"<p>收到表格 {escape(row.label)}，检查结果马上发到聊天里。</p>", 200)

    async def _take(self, request: web.Request, ticket: Ticket) -> Import:
        """Make an import of the file of a posted form. Raises: CrmError; ValueError for no such form."""
        employee = await Employee.get_or_none(id=ticket.employee_id, departed_at=None)
        if employee is None or not request.content_type.startswith("multipart/"):
            raise ValueError("no form of ours")
        reader = await request.multipart()
        for _ in range(_FIELDS):
            part = await _next(reader)
            if isinstance(part, aiohttp.BodyPartReader) and part.name == "file" and part.filename:
                name = Path(_NO_NAME.sub("", part.filename).replace("\\", "/")).name
                core, actor = self._core, await actor_of(employee)
                row = await imports.create(core, actor, ticket.kind, file_name=name, told_to=ticket.address)
                try:
                    await keep_parts(core, row, _parts(reader, part))
                except BaseException:
                    # However it ended: nobody sends this file any more.
                    with suppress(CrmError):
                        await imports.cancel(core, actor, row.id)
                    raise
                return row
        raise ValueError("no file")

    def _form(self, ticket: Ticket, said: str, status: int = 200) -> web.Response:
        kind = KINDS[ticket.kind]
        return _page(kind.label, _FORM.format(said=escape(said), kind=kind.name), status)


async def _parts(reader: aiohttp.MultipartReader, part: aiohttp.BodyPartReader) -> AsyncIterator[bytes]:
    """Give a file in pieces. Raises: ValueError when it breaks off before the boundary behind it."""
    size = 0
    while chunk := await part.read_chunk(_CHUNK):
        size += len(chunk)
        yield chunk
    if part.headers.get("Content-Length", str(size)) != str(size):
        raise ValueError("not as long as it says")
    await _next(reader)


async def _next(reader: aiohttp.MultipartReader) -> aiohttp.MultipartReader | aiohttp.BodyPartReader | None:
    """Give the next part of a form. Raises: ValueError for one that is none."""
    try:
        return await reader.next()
    except (HttpProcessingError, RuntimeError, LookupError, AssertionError) as error:
        raise ValueError("a broken part") from error


def _page(label: str, body: str, status: int) -> web.Response:
    text = _PAGE.format(label=escape(label), body=body)
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)
