"""Structured logs: one JSON object a line, the request's number on each, and a net that catches personal data.

The net is no permit: log our own ids, never what people typed.
"""

import logging
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from structlog.types import Processor

from bot.settings import LogSettings

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_NUMBER_LENGTH = 4
_HIDDEN = "***"
_OWN = ("bot", "handlers", "campaigns", "scheduler", "crm_core")
_PERSONAL_KEYS = frozenset(
    {
        "access_token",
        "authorization",
        "body",
        "email",
        "external_id",
        "mobile",
        "nickname",
        "openid",
        "phone",
        "secret",
        "text",
        "wechat_id",
    }
)
_MOBILE = re.compile(r"(?<![\d.])(?:\+?86[- ]?)?(1[3-9]\d)[- ]?\d{4}[- ]?(\d{4})(?!\d)")
_PARAMETER = re.compile(
    r"(?i)((?:access_?token|app_?secret|corp_?secret|client_?secret|secret|session|sign(?:ature)?|ticket|openid|touser|token|key)"
    r"[\"']?\s*[=:]\s*[\"']?)[^&\s\"',}\]]+"
)
_BEARER = re.compile(r"(?i)(bearer\s+)\S+")
_OPENID = re.compile(r"(?<![\w-])o[\w-]{27}(?![\w-])")
_LONG_TOKEN = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{40,}(?![\w-])")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_request_number: ContextVar[list[str] | None] = ContextVar("request_number", default=None)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _PrivateFile(RotatingFileHandler):
    """A log file that nobody else of this machine reads."""

    def _open(self) -> TextIOWrapper:
        file = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return TextIOWrapper(os.fdopen(file, "ab"), encoding="utf-8", write_through=False)


def configure(
    *, stream: TextIO | None = None, level: int = logging.INFO, settings: LogSettings | None = None, folder: Path | None = None
) -> None:
    """Send every log of the process, other libraries' too, through the net to one stream (standard error) and to the file.

    Raises: OSError when the file cannot be written.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_request_number,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=_as_text),
        ],
    )
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter)]:
        root.removeHandler(old)
        if isinstance(old, _PrivateFile):
            old.close()
    for handler in (logging.StreamHandler(stream or sys.stderr), *_file_handlers(settings, folder)):
        handler.setFormatter(formatter)
        root.addHandler(handler)
    # Other libraries speak of every step they take; only their warnings matter to an operator.
    root.setLevel(max(level, logging.WARNING))
    for name in _OWN:
        logging.getLogger(name).setLevel(level)
    server = logging.getLogger("aiohttp.server")
    server.filters = [each for each in server.filters if not isinstance(each, _HideBadRequests)]
    server.addFilter(_HideBadRequests())
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _file_handlers(settings: LogSettings | None, folder: Path | None) -> list[logging.Handler]:
    if settings is None or not settings.file:
        return []
    path = (folder or Path()) / settings.file
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [_PrivateFile(path, maxBytes=int(settings.size), backupCount=settings.count, encoding="utf-8")]


class _HideBadRequests(logging.Filter):
    """Takes the request's own bytes out of what aiohttp says about a request it cannot read."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the line, without the request."""
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
            record.msg, record.args, record.exc_info = "unreadable_request", (), None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def new_number() -> str:
    """Make the short number that a person reads out and an operator finds in the log."""
    return "".join([_LETTERS[byte & 31] for byte in os.urandom(_NUMBER_LENGTH)])  # 32 letters


@contextmanager
def numbered(number: str | None = None) -> Iterator[str]:
    """Put a request's or job's number on every line logged inside."""
    own = number or new_number()
    with structlog.contextvars.bound_contextvars(number=own):
        yield own


@web.middleware
async def number_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request its number."""
    # Drawn when the first line is written: nearly every callback is answered without one.
    token = _request_number.set([])
    try:
        return await handler(request)
    finally:
        _request_number.reset(token)


def _add_request_number(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    held = _request_number.get()
    if held is not None and "number" not in event:
        if not held:
            held.append(new_number())
        event["number"] = held[0]
    return event


def redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what looks personal or secret in every field of a line."""
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = _HIDDEN if key in _PERSONAL_KEYS and value else redact(value)
    return event


def redact(value: Any) -> Any:
    """Hide phones, tokens, openids and addresses in a value, whatever it is made of."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return _redact_text(str(value)) if _MOBILE.fullmatch(str(value)) else value
    if isinstance(value, str):
        return _redact_text(value)
    if isinstance(value, dict):
        return {key: _HIDDEN if key in _PERSONAL_KEYS else redact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(item) for item in value]
    return value


def _redact_text(text: str) -> str:
    text = _PARAMETER.sub(r"\1***", text)
    text = _BEARER.sub(r"\1***", text)
    text = _LONG_TOKEN.sub(_HIDDEN, text)
    text = _OPENID.sub("o***", text)
    text = _EMAIL.sub("***@***", text)
    return _MOBILE.sub(r"\1****\2", text)


def _as_text(value: object) -> str:
    return str(redact(repr(value)))
