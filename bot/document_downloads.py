"""`/documents/TICKET`: the content of a file, to whoever holds a ticket that was made for them, once."""

from urllib.parse import quote

from aiohttp import web

from bot.api.errors import error_response
from crm_core import documents
from crm_core.errors import CrmError
from crm_core.ports import Core


class Downloads:
    """Answers the address."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def add_to(self, application: web.Application) -> None:
        """Mount the address."""
        application.router.add_get("/documents/{ticket}", self.answer, allow_head=False)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Give the file as a download, whatever it is: nothing of it runs in a page of ours."""
        try:
            row = await documents.take_ticket(self._core, request.match_info["ticket"][:64])
            first = await anext(pieces := aiter(documents.content(row)))
        except (CrmError, StopAsyncIteration) as error:
            return error_response(404, getattr(error, "code", "not_found"), "没有找到，链接可能已用过或过期，请重新取文件")
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.name)}",
                "Content-Length": str(row.size_bytes),
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            }
        )
        await response.prepare(request)
        await response.write(first)
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
        return response
