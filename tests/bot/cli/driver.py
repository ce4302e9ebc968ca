"""A process that runs one command after another: loading the product once and not for each of a hundred commands."""

import json
import os
import sys
import traceback

from typer.testing import CliRunner

from bot.cli.app import app

BEFORE = dict(os.environ)

for line in sys.stdin:
    asked = json.loads(line)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(BEFORE | asked["environ"])
    found = CliRunner().invoke(app, asked["arguments"], prog_name="guanxi")
    errors = found.stderr
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        errors += "".join(traceback.format_exception(found.exception))
    answer = {"status": found.exit_code, "stdout": found.stdout, "stderr": errors}
    sys.__stdout__.write(json.dumps(answer) + "\n")
    sys.__stdout__.flush()
