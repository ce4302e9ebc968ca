"""What the pages for operators hold: blocks of code, tables, links, and calls of the product's command line."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from bot.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_CALL = re.compile(r"(?:podman exec guanxi |\S*/)?guanxi ((?:--config \S+ )?[a-z].*)")
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
_PIPES = {"", "|", "&&", ";", ">"}


def blocks(text: str, language: str) -> list[str]:
    return [body for name, body in _BLOCK.findall(text) if name == language]


def table_rows(text: str) -> list[list[str]]:
    lines = [line.strip() for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def broken_links(page: Path) -> list[str]:
    """Links to files that are not there, or to headings that are not on them."""
    found = []
    for target, heading in _LINK.findall(page.read_text(encoding="utf-8")):
        other = (page.parent / target).resolve() if target else page
        if not other.exists() or (heading and heading not in _anchors(other)):
            found.append(f"{target}#{heading}")
    return found


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def calls(text: str) -> Iterator[list[str]]:
    """The arguments of every `guanxi COMMAND …` in shell blocks and in the running text."""
    joined = text.replace("\\\n", " ")
    lines = [line for block in blocks(joined, "sh") for line in block.splitlines()]
    lines += _INLINE.findall(_BLOCK.sub("", joined))
    for line in lines:
        found = _CALL.fullmatch(line.partition(" #")[0].strip())
        if found:
            yield arguments(found[1])


def arguments(line: str) -> list[str]:
    """The arguments up to a pipe or a second command."""
    words = shlex.split(line)
    end = next((number for number, word in enumerate(words) if word in _PIPES), len(words))
    return words[:end]


def wrong_in(called: list[str]) -> str:
    """Say what of a call the command line does not know; empty when it knows all of it."""
    command: Any = typer.main.get_command(app)
    context = command.context_class(command, info_name="guanxi")
    rest = list(called)
    if rest[:1] == ["--config"]:
        rest = rest[2:]
    while hasattr(command, "commands"):
        name = rest.pop(0) if rest else "nothing"
        found = command.get_command(context, name)
        if found is None:
            return f"no command {name}"
        command = found
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in options]
    return f"no option {unknown[0]}" if unknown else ""
