"""Documents that WeChat and WeCom push: how fields are written, and the request that carries them.

Fields are one nested dictionary: texts become CDATA, numbers stay bare, a list repeats its element.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

Fields = dict[str, Any]  # texts, numbers, nested dictionaries, lists of dictionaries


@dataclass(frozen=True, slots=True)
class Document:
    """One push ready to leave: query, body and content type."""

    query: dict[str, str]
    body: bytes
    content_type: str = "text/xml"

    @property
    def nonce(self) -> str:
        """The nonce of the request, which a sealed answer has to carry."""
        return self.query["nonce"]


def make_nonce() -> str:
    """Make up the nonce of a request."""
    return str(secrets.randbelow(9_000_000_000) + 1_000_000_000)


def to_xml(fields: Mapping[str, Any]) -> str:
    """Write fields as the platforms write XML."""
    return f"<xml>{_elements(fields)}</xml>"


def to_json(fields: Mapping[str, Any]) -> str:
    """Write fields as the platforms write JSON."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _elements(fields: Mapping[str, Any]) -> str:
    return "".join(_element(name, value) for name, value in fields.items())


def _element(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        return f"<{name}>{_elements(value)}</{name}>"
    if isinstance(value, int | float):
        return f"<{name}>{value}</{name}>"
    text = str(value).replace("]]>", "]]]]><![CDATA[>")
    return f"<{escape(name)}><![CDATA[{text}]]></{escape(name)}>"
