"""Errors of the API: one form for all that a caller can do something about, and nothing of our insides in any of them.

What nobody foresaw is left to the server: a bare 500 for the caller, the traceback for the log.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web
from tortoise.exceptions import IntegrityError, ValidationError

from bot.api.bodies import WrongFields
from crm_core.collecting import NotCollected
from crm_core.errors import Conflict, CrmError, Invalid

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_HTTP_SENTENCES = {404: "没有这个地址", 405: "这个地址不支持这种方法", 413: "请求内容超过大小限制"}
_RETRY_AFTER_SECONDS = "2"


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong into the contract's error object."""
    try:
        return await handler(request)
    except CrmError as error:
        return of_crm_error(error)
    except ValidationError:
        return of_crm_error(Invalid(field="字段", reason="太长或格式不对"))
    except IntegrityError:
        return of_crm_error(Conflict())
    except web.HTTPException as error:
        code = {404: "address.unknown", 405: "method.not_allowed"}.get(error.status, "http")
        response = error_response(error.status, code, _HTTP_SENTENCES.get(error.status, "请求无法处理"))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response


def of_crm_error(error: CrmError) -> web.Response:
    """Write an error a caller can do something about."""
    fields: Any = error.fields["problems"] if isinstance(error, WrongFields) else error.fields
    if isinstance(error, Invalid):
        # Where the sentence names things as people do, a program is told the words it has to send.
        reason = error.fields.get("for_programs") or error.fields.get("reason", "")
        fields = {str(error.fields.get("field", "")): reason}
    elif isinstance(error, NotCollected):
        fields = {problem.field: problem.reason for problem in reversed(error.problems)}
    response = error_response(error.status, error.code, error.sentence(), fields)
    if error.status == 503:
        response.headers["Retry-After"] = _RETRY_AFTER_SECONDS
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def error_response(status: int, code: str, message: str, fields: Any = None) -> web.Response:
    """Write the contract's error object."""
    error = {"code": code, "message": message, "fields": {name: _plain(value) for name, value in (fields or {}).items()}}
    body = msgspec.json.encode({"error": error})
    return web.Response(body=body, status=status, content_type="application/json")


def _plain(value: Any) -> str | list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else str(value)
