"""The `guanxi` command."""

import sys
from io import TextIOWrapper


def main() -> None:
    """Read the command line and do what it says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Names are Chinese whatever the machine's locale says, and a name must never end a command.
            stream.reconfigure(encoding="utf-8", errors="replace")

    from bot.cli.app import app

    app(prog_name="guanxi")


if __name__ == "__main__":
    main()
