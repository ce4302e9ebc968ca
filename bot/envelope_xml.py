"""Reading and writing the XML of WeChat and WeCom, strictly.

The platforms use a small part of XML: elements without attributes, text, CDATA. Exactly that is read, in one linear
pass; DOCTYPE, entities, comments, attributes and processing instructions do not exist in this grammar and are refused
before anything could expand them. expat (and so xmltodict, which wechatpy uses) goes on reading the rest of the buffer
after a handler refused, and gives lists for repeated elements; on the hot path this pass is also the faster one.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from bot.channel import BadRequest
from bot.cutting import drop_control

Node: TypeAlias = "str | dict[str, Node] | list[Node]"
Tree: TypeAlias = dict[str, Node]

MAX_DEPTH = 16
MAX_ELEMENTS = 2_000
_MAX_TOKENS = 10_000
_MAX_REFERENCES = 20_000

# Control characters really arrive inside CDATA and no XML may hold them; TAB, LF and CR stay.
_CONTROL_BYTES = bytes(code for code in range(32) if code not in (9, 10, 13))
# Every repetition has an end: two unlimited ones beside each other cost the square of a body of blanks.
_PROLOG = re.compile(r"(?:<\?xml\s([^<>?]{0,200})\?>\s{0,100})?<xml\s{0,8}>")
_BEFORE_PROLOG = "\ufeff \t\r\n"
_ENCODING = re.compile(r"\bencoding\s*=\s*[\"']([^\"']*)[\"']")
_TOKEN = re.compile(
    r"<!\[CDATA\[(.*?)\]\]>"
    r"|<([A-Za-z_][\w.\-]{0,63})\s{0,8}>"
    r"|</([A-Za-z_][\w.\-]{0,63})\s{0,8}>"
    r"|<([A-Za-z_][\w.\-]{0,63})\s{0,8}/>"
    r"|([^<]+)",
    re.DOTALL | re.ASCII,
)
_CDATA, _OPEN, _CLOSE, _EMPTY, _TEXT = range(1, 6)
# What nearly every message is: elements with one text each; one that holds a bracket goes the long way.
_FLAT = re.compile(
    r"\s{0,16}<([A-Za-z_][\w.\-]{0,63})>(?:<!\[CDATA\[([^\]]*+)\]\]>|([^<&]*+))</\1>",
    re.ASCII,
)
_FLAT_END = re.compile(r"\s{0,16}</xml>\s{0,16}\Z")
_REFERENCE = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));|&")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


def parse_xml(body: bytes) -> Tree:
    """Read a document whose root is `<xml>`; an empty element is "", deeper repeated ones are a list.

    Raises: BadRequest.
    """
    try:
        text = body.translate(None, _CONTROL_BYTES).decode("utf-8").lstrip(_BEFORE_PROLOG)
    except UnicodeDecodeError as error:
        raise BadRequest("utf8") from error
    prolog = _PROLOG.match(text)
    if prolog is None or text.count("&") > _MAX_REFERENCES:
        raise BadRequest("xml")
    _check_declaration(prolog.group(1))
    # A conforming reader gives every line end as LF.
    if "\r" in text:
        text = text[prolog.end() :].replace("\r\n", "\n").replace("\r", "\n")
        return _parse_root(text, 0)
    flat = _parse_flat(text, prolog.end())
    return _parse_root(text, prolog.end()) if flat is None else flat


def _parse_flat(text: str, position: int) -> Tree | None:
    """Read a document without anything nested, repeated or escaped; None when it is not that simple."""
    children: Tree = {}
    match = _FLAT.match
    count = 0
    while (token := match(text, position)) is not None:
        name, section, plain = token.groups()
        children[name] = plain if section is None else section
        count += 1
        position = token.end()
    if count != len(children) or count > MAX_ELEMENTS or _FLAT_END.match(text, position) is None:
        return None
    return children


def _check_declaration(declaration: str | None) -> None:
    encoding = _ENCODING.search(declaration or "")
    if encoding is not None and encoding.group(1).lower() not in ("utf-8", "utf8"):
        raise BadRequest("encoding")


class _Open:
    """An element whose end has not come yet."""

    __slots__ = ("children", "name", "texts")

    def __init__(self, name: str) -> None:
        self.name = name
        self.children: Tree = {}
        self.texts: list[str] = []


def _parse_root(text: str, position: int) -> Tree:
    stack = [_Open("xml")]
    match = _TOKEN.match
    elements = 0
    for _ in range(_MAX_TOKENS):
        token = match(text, position)
        if token is None:
            raise BadRequest("xml")
        position = token.end()
        kind = token.lastindex
        if kind == _CDATA:
            stack[-1].texts.append(token.group(_CDATA))
        elif kind == _TEXT:
            stack[-1].texts.append(_plain(token.group(_TEXT)))
        elif kind == _CLOSE:
            closed = stack.pop()
            if token.group(_CLOSE) != closed.name:
                raise BadRequest("xml")
            if not stack:
                return _finish(closed, text, position)
            _attach(stack[-1], closed.name, _value(closed), len(stack))
        else:
            elements += 1
            if elements > MAX_ELEMENTS or len(stack) >= MAX_DEPTH:
                raise BadRequest("size")
            if kind == _OPEN:
                stack.append(_Open(token.group(_OPEN)))
            else:
                _attach(stack[-1], token.group(_EMPTY), "", len(stack))
    raise BadRequest("size")


def _finish(root: _Open, text: str, position: int) -> Tree:
    if text[position:].strip() or "".join(root.texts).strip():
        raise BadRequest("xml")
    return root.children


def _attach(parent: _Open, name: str, value: Node, depth: int) -> None:
    children = parent.children
    if name not in children:
        children[name] = value
        return
    if depth == 1:
        # No field of a message comes twice; of two, nobody can say which is meant.
        raise BadRequest("repeated")
    earlier = children[name]
    if isinstance(earlier, list):
        earlier.append(value)
    else:
        children[name] = [earlier, value]


def _value(element: _Open) -> Node:
    text = "".join(element.texts)
    if not element.children:
        return text
    if text.strip():
        raise BadRequest("mixed")
    return element.children


def _plain(text: str) -> str:
    return _REFERENCE.sub(_dereference, text) if "&" in text else text


def _dereference(match: re.Match[str]) -> str:
    if match.lastindex is None:
        raise BadRequest("entity")
    if match.group(1):
        return _NAMED[match.group(1)]
    code = int(match.group(2)) if match.group(2) else int(match.group(3), 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise BadRequest("entity")
    return drop_control(chr(code))


def write_xml(tree: Mapping[str, object]) -> str:
    """Write a tree below `<xml>`: text as CDATA, numbers plainly, a mapping as children, a list as repeated elements."""
    return f"<xml>{write_fields(tree)}</xml>"


def write_fields(tree: Mapping[str, object]) -> str:
    """Write a tree without its root."""
    return "".join(_write(name, value) for name, value in tree.items())


def _write(name: str, value: object) -> str:
    if isinstance(value, str):
        return f"<{name}><![CDATA[{_split_cdata(value)}]]></{name}>"
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    if isinstance(value, Mapping):
        return f"<{name}>{write_fields(value)}</{name}>"
    if isinstance(value, Iterable):
        return "".join(_write(name, item) for item in value)
    raise TypeError(name)


def _split_cdata(text: str) -> str:
    # Left whole, a customer's "]]>" would end the section and could add elements to our answer.
    return drop_control(text).replace("]]>", "]]]]><![CDATA[>")
