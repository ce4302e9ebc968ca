"""The shape of an API call inside the simulators, and the ways to refuse one."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.records import Json

ESCAPED = re.compile(rb"(?<!\\)(?:\\\\)*\\u(?!00[01][0-9a-fA-F])[0-9a-fA-F]{4}")  # controls have to be escaped


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart form."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the handlers of the platforms see it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)  # what stands beside the files


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is not plain JSON with status 200."""

    status: int = 200
    json: Json | None = None
    data: bytes = b""
    content_type: str = "application/json"


Handler = Callable[[Call], Json | Answer]
AsyncHandler = Callable[[Call], Awaitable[Json | Answer]]


class Refused(Exception):
    """The platform answers with an error instead of carrying the call out."""

    def __init__(self, answer: Json | Answer) -> None:
        super().__init__(str(answer))
        self.answer = answer

    @property
    def code(self) -> str:
        """The errcode or code of the answer, empty if it has none."""
        fields = (self.answer.json or {}) if isinstance(self.answer, Answer) else self.answer
        return str(fields.get("errcode", fields.get("code", "")))


def errcode(code: int, message: str, **more: Any) -> Refused:
    """Refuse in the older form: HTTP 200 with errcode and errmsg."""
    return Refused({"errcode": code, "errmsg": message, **more})


def code(name: str, message: str = "", status: int = 400) -> Refused:
    """Refuse in the form of DingTalk's newer API."""
    return Refused(Answer(status, {"code": name, "message": message or name, "requestid": "SIMULATED"}))


def read_object(body: bytes) -> Json | None:
    """Read a JSON object; None where the body is none."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def has_escapes(body: bytes) -> bool:
    r"""Tell whether a JSON body writes visible characters as \uXXXX."""
    return b"\\u" in body and ESCAPED.search(body) is not None
