"""`import KIND FILE`: a table of leads, customers or contacts, with a dry run, a bar, and a file of what was refused."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.session import WRONG_USAGE, fail, sentences, with_core, write_line

if TYPE_CHECKING:  # names for annotations
    from crm_core.access import Actor
    from crm_core.change_sets import Undone
    from crm_core.importing.imports import Import
    from crm_core.importing.running import Counted
    from crm_core.ports import Core

Told = Callable[[int, int], Awaitable[None]]


class OnDuplicate(StrEnum):
    """What is done with a row of somebody who is there already."""

    MERGE = "merge"
    SKIP = "skip"
    OVERWRITE = "overwrite"
    ASK = "ask"


def import_(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="leads、customers、contacts，或 线索、客户、联系人。")],
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="CSV 或 xlsx。")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查并计数，不写入。")] = False,
    on_duplicate: Annotated[
        OnDuplicate | None, typer.Option("--on-duplicate", help="已有的：补充空白、跳过、覆盖、逐条询问。")
    ] = None,
    source: Annotated[str, typer.Option("--source", help="表里没写来源时的来源。")] = "",
    template: Annotated[Path | None, typer.Option("--template", help="把模板写到这个文件（.csv 或 .xlsx）。")] = None,
    undo: Annotated[int | None, typer.Option("--undo", min=1, help="撤销这一次导入（编号）。")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="不先检查，也不再询问。")] = False,
) -> None:
    """Import a table; the counts come first where somebody sits at the terminal."""
    from crm_core.importing.columns import kind_of

    with sentences():
        name = kind_of(kind).name
    if template is not None:
        _write_template(name, template)
    elif undo is not None:
        number = undo
        done = with_core(context, lambda core, actor: _undo(core, actor, number))
        write_line(f"已撤销导入 #{number}：取回{done.rows}处改动" + (f"，{done.left}处因后来改过而保留" if done.left else ""))
    elif file is None:
        fail("请写出要导入的文件，或用 --template 取模板", WRONG_USAGE)
    else:
        wanted = file
        rule = on_duplicate.value if on_duplicate else ""
        with_core(context, lambda core, actor: _import(core, actor, _Wish(name, wanted, rule, source, dry_run, yes)))


class _Wish:
    """What the command line asked for."""

    def __init__(self, kind: str, path: Path, on_duplicate: str, source: str, dry_run: bool, yes: bool) -> None:
        self.kind, self.path, self.on_duplicate, self.source = kind, path, on_duplicate, source
        self.dry_run, self.asks = dry_run, not yes and sys.stdin.isatty()

    @property
    def refused(self) -> Path:
        """The file of refused rows, beside the table."""
        return self.path.with_name(f"{self.path.stem}.refused.csv")


def _write_template(kind: str, path: Path) -> None:
    from crm_core.importing.template import template

    path.write_bytes(template(kind, "xlsx" if path.suffix.lower() == ".xlsx" else "csv"))
    write_line(f"模板已写到 {path}")


async def _undo(core: "Core", actor: "Actor", number: int) -> "Undone":
    from crm_core.importing import undoing

    return await undoing.undo_now(core, actor, number)


async def _import(core: "Core", actor: "Actor", wish: _Wish) -> None:
    from crm_core.importing import imports, running
    from crm_core.importing.refused import RefusedFile

    digest = imports.digest_of(core, wish.path)
    rule = wish.on_duplicate or core.settings.imports.on_duplicate
    row = await imports.unfinished(wish.kind, digest, rule, wish.source)
    if row is not None:
        typer.echo(f"继续上次中断的导入 {row.label}，从第 {row.cursor + 1} 行起", err=True)
        await row.change(core, path=str(wish.path.resolve()))
    else:
        row = await _begin(core, actor, wish, digest)
        if row is None:
            return
    with RefusedFile(wish.refused, wish.kind) as refused, _bar("导入") as told:
        done = await running.run(core, row, actor, told=told, refused=refused)
    _tell_done(done, refused)


async def _begin(core: "Core", actor: "Actor", wish: _Wish, digest: str) -> "Import | None":
    """Make the import, or only count; None when there is nothing to write."""
    from crm_core.importing import imports, running
    from crm_core.importing.refused import RefusedFile

    row = await imports.create(
        core,
        actor,
        wish.kind,
        file_name=wish.path.name,
        on_duplicate=wish.on_duplicate,
        source=wish.source,
        by_server=False,
    )
    await imports.take_file(core, row, wish.path.resolve(), digest)
    try:
        before = await imports.done_before(row)
    except imports.BeingUndone:
        await imports.cancel(core, actor, row.id)
        raise
    if before is not None:
        await imports.cancel(core, actor, row.id)
        write_line(f"这个文件已经导入过（{before.label}），没有改动")
        return None
    if wish.dry_run or wish.asks:
        with RefusedFile(wish.refused, wish.kind) as refused, _bar("检查") as told:
            counted = await running.check(core, row, actor, told=told, refused=refused)
        _tell_counted(counted, refused)
        if wish.dry_run or not typer.confirm("开始导入？"):
            await imports.cancel(core, actor, row.id)
            return None
    return row


def _tell_counted(counted: "Counted", refused: object) -> None:
    if counted.unknown:
        typer.echo(f"没有用到的列：{'、'.join(counted.unknown)}", err=True)
    write_line(f"共{counted.total}行：新增{counted.new}、重复{counted.duplicate}、有误{counted.bad}")
    _tell_refused(refused)


def _tell_done(row: "Import", refused: object) -> None:
    if row.unknown_columns:
        typer.echo(f"没有用到的列：{row.unknown_columns}", err=True)
    known = f"重复{row.duplicate_count}（其中更新{row.changed_count}）"
    write_line(f"导入 {row.label} 完成：新增{row.new_count}、{known}、有误{row.bad_count}")
    if row.kept_count:
        write_line(row.kept_sentence)
    _tell_refused(refused)


def _tell_refused(refused: object) -> None:
    from crm_core.importing.refused import RefusedFile

    if isinstance(refused, RefusedFile) and refused.count:
        typer.echo(f"未导入的{refused.count}行和原因：{refused.path}", err=True)


@contextmanager
def _bar(what: str) -> Iterator[Told]:
    """Show how far it is, on standard error, where somebody looks at it."""
    if not sys.stderr.isatty():
        yield _unseen
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)

        async def told(done: int, lines: int) -> None:
            progress.update(task, completed=min(done, lines), total=max(lines, 1))

        yield told


async def _unseen(_: int, __: int) -> None:
    return
