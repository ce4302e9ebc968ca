"""Writes the generated pages docs/commands.md and docs/config.md; `--check` fails when one is stale."""

import sys
from collections.abc import Callable
from pathlib import Path

from bot import config_docs
from crm_core.access import ROLE_LABELS, Role
from handlers.commands import all_commands

DOCS = Path(__file__).parents[1] / "docs"


def commands_page() -> str:
    """Write the chat commands from their declarations."""
    lines = ["# 聊天里能说什么", "", "由声明生成（`make docs`），请勿手改。", "", "| 做什么 | 例如 | 谁可以 |", "|---|---|---|"]
    for command in sorted(all_commands().values(), key=lambda one: one.intent):
        if command.usage:
            roles = (
                "所有人"
                if command.roles == frozenset(Role)
                else "、".join(ROLE_LABELS[role] for role in Role if role in command.roles)
            )
            lines.append(f"| {command.summary} | {command.usage} | {roles} |")
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {"commands.md": commands_page, "config.md": config_docs.markdown}


def stale_pages() -> list[str]:
    """Name the pages that no longer agree with the code."""
    return [
        name
        for name, make in PAGES.items()
        if not (DOCS / name).exists() or (DOCS / name).read_text(encoding="utf-8") != make()
    ]


def main() -> int:
    """Write the pages, or with --check only say which are stale."""
    stale = stale_pages()
    if "--check" in sys.argv:
        for name in stale:
            sys.stderr.write(f"docs/{name} is stale, run `make docs`\n")
        return 1 if stale else 0
    for name in stale:
        (DOCS / name).write_text(PAGES[name](), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
