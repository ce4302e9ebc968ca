"""The command line of the understanding."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.parse import app

run = CliRunner()


def test_one_sentence_is_one_line_of_json():
    done = run.invoke(app, ["--now", "2026-11-25T10:00:00+08:00", "--known", "张伟,王总=王建国", "明天提醒我给王总打电话"])
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert (found["intent"], found["slots"]["person"], found["slots"]["at"]) == (
        "set_reminder",
        "王建国",
        "2026-11-26T09:00:00+08:00",
    )


def test_batch_reports_bad_lines_and_goes_on(tmp_path: Path):
    cases = tmp_path / "cases.jsonl"
    good = {"id": 7, "now": "2026-11-25T10:00:00+08:00", "known": [], "text": "帮助"}
    bad = [
        "{",
        "[]",
        '{"id": 1}',
        '{"id": 1, "now": "x", "text": "y"}',
        '{"id": 1, "now": "2026-11-25", "text": "y", "known": "z"}',
    ]
    cases.write_text("\n".join([*bad, "", json.dumps(good)]), encoding="utf-8")
    done = run.invoke(app, ["--batch", str(cases)])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"id": 7, "intent": "help", "confidence": 0.95, "slots": {}}
    assert done.stderr.count("不能用") == len(bad)


@pytest.mark.parametrize(
    "arguments", [[], ["--now", "gestern", "帮助"], ["--batch", "/nowhere/at/all"], ["帮助", "--batch", "x"]]
)
def test_wrong_usage_ends_with_two(arguments):
    assert run.invoke(app, arguments).exit_code == 2


def test_it_runs_as_a_module():
    command = [sys.executable, "-m", "bot.cli.parse", "--now", "2026-11-25T10:00:00", "算了"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["intent"] == "cancel"


def test_each_matter_told_in_one_message_is_a_line_of_its_own():
    said = "昨天跟张伟通了电话，他嫌贵。恒信集团回款5万"
    done = run.invoke(app, ["--each", "--now", "2026-11-25T10:00:00+08:00", "--known", "张伟,恒信集团", said])
    assert [json.loads(line)["intent"] for line in done.stdout.splitlines()] == ["log_follow_up", "log_payment"]
