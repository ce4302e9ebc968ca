"""`export-person` and `erase`: what the law gives everybody about their own data."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.asking import agreed
from bot.cli.session import fail, opened, settings_of, with_core, write_line

if TYPE_CHECKING:  # names for annotations
    from bot.config import Settings
    from crm_core.access import Actor
    from crm_core.personal_data import Erased, Found
    from crm_core.ports import Core

PersonId = Annotated[int, typer.Option("--person", min=1, help="person_id：线索、联系人、员工上都有。")]


def export_person(context: typer.Context, person: PersonId) -> None:
    """Print everything that is kept about a person as JSON, unmasked."""

    async def work(core: "Core", actor: "Actor") -> dict[str, Any]:
        from bot.erasures import holdings
        from crm_core import personal_data

        return await personal_data.export(core, actor, person, holdings())

    write_line(json.dumps(with_core(context, work), ensure_ascii=False, indent=2, default=_plain))


def erase(
    context: typer.Context,
    person: PersonId,
    yes: Annotated[bool, typer.Option("--yes", help="不再询问，也不看标准输入；不加时，标准输入里的 n 会取消。")] = False,
) -> None:
    """Erase a person everywhere and print the receipt as JSON."""
    settings = settings_of(context)
    if not yes and not agreed(f"将永久删除人员 {person} 的全部个人信息，无法撤销。继续？"):
        fail("已取消，没有删除任何内容")

    async def work(core: "Core", actor: "Actor") -> dict[str, Any]:
        from bot.erasures import holdings
        from crm_core import personal_data

        erased, found = await personal_data.erase(core, actor, person, holdings())
        await _note(core, found)
        return await _receipt(core, settings, person, erased, found)

    write_line(json.dumps(with_core(context, work), ensure_ascii=False, indent=2, default=_plain))


async def _note(core: "Core", found: "Found") -> None:
    """Let a later restore know; the erasure is done even where that cannot be written."""
    from bot import erasures

    try:
        await erasures.note(core, found.numbers["persons"])
    except OSError as error:
        typer.echo(f"已删除，但记不下来（{error.filename}：{error.strerror}）；恢复旧备份后请再删除一次", err=True)


async def erase_again(settings: "Settings") -> None:
    """After a restore, erase whom the replaced database or the journal knows to be erased, and say who that was."""
    from bot import erasures
    from crm_core.db import SchemaTooOld

    if not erasures.read(settings.core.data_dir):
        return
    try:
        async with opened(settings) as core:
            done = await erasures.settle(core)
    except SchemaTooOld:
        write_line("备份的结构较旧：升级后第一次启动时，会再次删除已按要求删除过的人员")
        return
    if done:
        write_line(f"备份里仍有已按要求删除过的人员，已再次删除：{'、'.join(map(str, done))}")


async def _receipt(core: "Core", settings: "Settings", person: int, erased: "Erased", found: "Found") -> dict[str, Any]:
    receipt: dict[str, Any] = {
        "person_id": person,
        "erased_at": core.clock.now().isoformat(),
        "rows": erased.rows,
        "mentions": erased.mentions,
        "backups": await _backups(settings, found),
    }
    if erased.namesakes:
        receipt["note"] = f"与他人同名，未改动其他记录里的这些名字：{'、'.join(erased.namesakes)}"
    if receipt["backups"]:
        receipt["backups_note"] = "以下备份仍含此人，请在到期日前删除"
    return receipt


async def _backups(settings: "Settings", found: "Found") -> list[dict[str, Any]]:
    """List the copies that still hold the person, and the day each is to be gone."""
    from crm_core.backups import Backup
    from crm_core.rules import as_instant

    taken = {Path(row.path): row.taken_at for row in await Backup.all()}
    for path in (settings.core.data_dir / "backups").glob("*.db"):
        taken.setdefault(path.resolve(), datetime.fromtimestamp(path.stat().st_mtime, UTC))
    since, keep = as_instant(found.since), timedelta(days=settings.core.backup_keep_days)
    return [
        {"file": str(path), "taken_at": at.isoformat(), "ends": (at + keep).date().isoformat()}
        for path, at in sorted(taken.items(), key=lambda each: each[1])
        if path.exists() and (since is None or at >= since)
    ]


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
