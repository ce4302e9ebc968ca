"""`docs/config.md`, made from the settings classes; `python -m bot.config_docs` writes it."""

import ast
import inspect
import textwrap
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import time, timedelta
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from bot.config import IN_CORE, SECTIONS, channel_kinds, settings_class
from bot.secret import Secret
from bot.settings import FormSettings
from bot.settings_values import Size, name_of_type

TARGET = Path(__file__).resolve().parent.parent / "docs" / "config.md"
_HEAD = """# Settings

Made from the settings classes by `make docs`; do not edit.

`config.toml` is read once, at start. A variable of the environment wins over the file: `GUANXI_SECTION__KEY`, for
example `GUANXI_SERVER__PORT=9000` or `GUANXI_CHANNELS__WECHAT__API_BASE=http://127.0.0.1:9090`; a list is written
`a,b` or as JSON. An unknown key is an error, and every problem is reported at once (`guanxi check-config`, status 2).
No secret stands in the file: a key that ends in `_env` names the variable that holds it. Relative paths are relative to
the folder of the settings file.
"""
_CHANNEL_KEYS = """| `kind` | text | required | which platform |
| `enabled` | true or false | true | a disabled channel is not checked and answers 404 |"""


def markdown() -> str:
    """Write the whole page."""
    parts = [_HEAD]
    parts += [_section(f"[{name}]", cls, skip=IN_CORE if name == "core" else ()) for name, cls in SECTIONS.items()]
    parts.append(_section("[forms.NAME]", FormSettings))
    for kind, channel in channel_kinds().items():
        parts.append(_section(f'[channels.NAME] with kind = "{kind}"', settings_class(channel), first=_CHANNEL_KEYS))
    return "\n".join(parts)


def _section(title: str, cls: type, *, skip: tuple[str, ...] = (), first: str = "") -> str:
    hints, told = get_type_hints(cls), _told(cls)
    lines = [f"## {title}", "", _sentence(cls), "", "| key | value | default | meaning |", "|---|---|---|---|"]
    lines += [first] if first else []
    lines += [_line(each, hints[each.name], told.get(each.name, "")) for each in fields(cls) if each.name not in skip]
    return "\n".join(lines) + "\n"


def _line(each: "Field[Any]", hint: Any, told: str) -> str:
    key = f"{each.name}_env" if hint is Secret else each.name
    return f"| `{key}` | {_kind(hint)} | {_default(each, hint)} | {told} |"


def _kind(hint: Any) -> str:
    if hint is Secret:
        return "name of a variable"
    if get_origin(hint) is tuple and is_dataclass(get_args(hint)[0]):
        member = get_args(hint)[0]
        keys = [f"{each.name}_env" if each.type in (Secret, "Secret") else each.name for each in fields(member)]
        return f"list of {{{', '.join(keys)}}}"
    if is_dataclass(hint):
        return f"table of {{{', '.join(each.name for each in fields(hint))}}}"
    return name_of_type(hint)


def _default(each: "Field[Any]", hint: Any) -> str:
    if each.name == "url" and each.default is MISSING:
        return "`sqlite://DATA_DIR/guanxi.db`"
    if each.default is MISSING:
        return "required" if each.default_factory is MISSING else "empty"
    return f"`{_shown(each.default)}`" if hint is not Secret and each.default not in ("", ()) else "empty"


def _shown(value: Any) -> str:
    if isinstance(value, Size):
        return f"{value // 1024**2}MiB"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if is_dataclass(value):
        return ", ".join(f"{each.name} = {_shown(getattr(value, each.name))}" for each in fields(value))
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return f"{len(value)} built in"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)


def _sentence(cls: type) -> str:
    return " ".join((inspect.getdoc(cls) or "").partition("\n\n")[0].split())


def _told(cls: type) -> dict[str, str]:
    """Read the texts that stand below the fields of a class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    if not isinstance(body, ast.ClassDef):
        return {}
    found = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            found[field.target.id] = " ".join(str(after.value.value).split()).replace("|", "\\|")  # type: ignore[attr-defined]
    return found


if __name__ == "__main__":
    TARGET.write_text(markdown(), encoding="utf-8")
