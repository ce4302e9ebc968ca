"""`guanxi parse`: show what a sentence is understood as; `--batch` for a file of them."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from handlers.understanding.messages import parse_each
from handlers.understanding.parse import Meaning
from handlers.understanding.parse import parse as understand

WRONG_USAGE = 2


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"不是 ISO 8601 时间：{text}", param_hint="--now") from error
    # A time without a zone is the configured one's, as people type it.
    return found if found.tzinfo else datetime.fromisoformat(f"{text}+08:00")


def _line(meaning: Meaning, case_id: object = None) -> str:
    found = json.loads(meaning.to_json())
    return json.dumps({"id": case_id, **found} if case_id is not None else found, ensure_ascii=False)


def _case(line: str) -> dict[str, Any]:
    """Read one line of a batch; raise ValueError with a reason when it cannot be used."""
    case = json.loads(line)
    if not isinstance(case, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one kind of error for every unusable line
    if not isinstance(case.get("text"), str) or not isinstance(case.get("now"), str) or "id" not in case:
        raise ValueError("id, now and text are needed")
    if not isinstance(case.get("known", []), list):
        raise ValueError("known is not a list")  # noqa: TRY004 - as above
    datetime.fromisoformat(case["now"])
    return case


def _batch(path: Path) -> None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        typer.echo(f"读不了文件 {path}：{error}", err=True)
        raise typer.Exit(WRONG_USAGE) from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            case = _case(line)
        except ValueError as error:
            typer.echo(f"第 {number} 行不能用：{error}", err=True)
            continue
        meaning = understand(case["text"], _moment(case["now"]), [str(name) for name in case.get("known", [])])
        sys.stdout.write(_line(meaning, case["id"]) + "\n")


def parse(
    text: Annotated[str | None, typer.Argument(help="一句话")] = None,
    now: Annotated[str | None, typer.Option(help="现在的时间（ISO 8601），默认是此刻")] = None,
    known: Annotated[str, typer.Option(help="已知的名字，用逗号分开；别名写成 别名=名字")] = "",
    batch: Annotated[Path | None, typer.Option(help="JSON 行文件，每行 id、now、known、text")] = None,
    each: Annotated[bool, typer.Option("--each", help="一条消息里说了几件事就显示几行")] = False,
) -> None:
    """显示一句话被理解成什么."""
    if (text is None) == (batch is None):
        typer.echo("请给一句话，或者用 --batch 给一个文件", err=True)
        raise typer.Exit(WRONG_USAGE)
    if batch is not None:
        _batch(batch)
        return
    moment = _moment(now) if now else datetime.now(UTC)  # noqa: TID251 - the command line is the only clock of a try
    names = [name.strip() for name in known.replace("，", ",").split(",") if name.strip()]
    meanings = parse_each(text or "", moment, names) if each else (understand(text or "", moment, names),)
    sys.stdout.write("".join(_line(meaning) + "\n" for meaning in meanings))


parse_command = parse
app = typer.Typer(add_completion=False)
app.command()(parse)

if __name__ == "__main__":
    app()
