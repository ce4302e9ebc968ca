"""Promises 11 and 12: tables in and out.

An import is measured from its first page to its end in the product's own process, reading and checking in the process beside
it; the memory of both is told. Yardsticks: Y2 with the columns and indexes of leads, and the reader of workbooks alone.
"""

import asyncio
import csv
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import xlsxwriter

from bot.bench.figures import Figure
from bot.bench.filling import name_of
from bot.bench.place import SECRETS, Place

MIB = 1024 * 1024
TURNS = 2
HEAD = ("姓名", "手机号", "公司", "职位", "邮箱", "地区", "来源", "需求", "预算", "微信号", "创建时间")
_COMPANIES = ("东风", "宏达", "云帆", "长城", "瑞丰", "金海", "远大", "华泰")
_TRADES = ("机械厂", "科技有限公司", "贸易有限公司", "电子厂")
_REGIONS = ("上海市浦东新区", "北京市朝阳区", "浙江省杭州市", "江苏苏州", "广东深圳", "四川成都")
_RUN = "bot.bench.table_run"


def rows(count: int) -> Iterator[tuple[str, ...]]:
    """Make up people, no two with one number, in no order."""
    dice, numbers = random.Random(5), list(range(count))
    dice.shuffle(numbers)
    for number in numbers:
        company = f"{dice.choice(_COMPANIES)}{number % 5000}{dice.choice(_TRADES)}"
        made = f"2026-0{number % 9 + 1}-1{number % 9} 10:0{number % 6}"
        yield (
            *(name_of(number), f"138{number:08d}", company, "采购经理", f"u{number}@example.cn", dice.choice(_REGIONS), "展会"),
            *(f"想要{number % 50 + 1}台网关", str(number % 90 + 10) + "000", f"wx{number}", made),
        )


def write_tables(folder: Path, count: int) -> tuple[Path, Path]:
    """Write the same people as CSV and as a workbook the way spreadsheets save one."""
    as_csv, as_xlsx = folder / "people.csv", folder / "people.xlsx"
    with as_csv.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEAD)
        writer.writerows(rows(count))
    with xlsxwriter.Workbook(str(as_xlsx)) as book:
        sheet = book.add_worksheet()
        for index, row in enumerate((HEAD, *rows(count))):
            sheet.write_row(index, 0, row)
    return as_csv, as_xlsx


async def imports(quick: bool) -> list[Figure]:
    """Measure promise 11."""
    count, turns = (20_000, 1) if quick else (100_000, TURNS)
    found: dict[str, list[tuple[float, float, float]]] = {"csv": [], "xlsx": []}
    inserts, reads, checked = [], [], []
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        files = dict(zip(("csv", "xlsx"), await asyncio.to_thread(write_tables, Path(folder), count), strict=True))
        for turn in range(turns):
            inserts.append(await _plain_inserts(Path(folder), turn, count))
            reads.append(await _yardstick("plain_workbook", str(files["xlsx"])))
            for form, path in files.items():
                found[form].append(await _import(Path(folder) / f"{form}{turn}", path))
            checked.append(await _read(Path(folder) / f"read{turn}", files["xlsx"]))
        again = await _twice(Path(folder), files["csv"])
    reading, alone = max(checked), max(reads)
    what = "xlsx rows read, matched and validated a second (the reader alone)"
    stage = Figure("11", what, f"{reading:.0f}", f"{alone:.0f}", f"{reading / alone:.2f}")
    xlsx, plain = max(found["xlsx"])[0], max(inserts)
    beside = Figure("11", "xlsx rows imported a second (Y2)", f"{xlsx:.0f}", f"{plain:.0f}", f"{xlsx / plain:.2f}")
    return [*_import_figures(found, plain, alone, count), stage, beside, again]


def _import_figures(
    found: dict[str, list[tuple[float, float, float]]], inserts: float, reads: float, count: int
) -> list[Figure]:
    figures = []
    for form, yardstick, promise in (("csv", inserts, 0.4), ("xlsx", reads, 0.5)):
        rate, mine, beside = max(found[form])
        ratio = rate / yardstick
        what = f"{form} rows imported a second, {count} rows ({'Y2' if form == 'csv' else 'the reader alone'})"
        figures.append(Figure("11", what, f"{rate:.0f}", f"{yardstick:.0f}", f"{ratio:.2f}", f">= {promise}", ratio >= promise))
        memory = f"{mine:.0f} MiB (reading beside: {beside:.0f} MiB in all)"
        figures.append(Figure("11", f"{form}: memory grown", memory, promise="<= 64 MiB", held=mine <= 64))
    return figures


def _place(folder: Path) -> Place:
    folder.mkdir()
    return Place(folder)


async def _plain_inserts(folder: Path, turn: int, count: int) -> float:
    """Measure Y2 on a file with nothing but the table of leads and its indexes."""
    place = _place(folder / f"y2-{turn}")
    await place.run("migrate")
    bare = folder / f"y2-{turn}.db"
    with closing(sqlite3.connect(place.database)) as source, closing(sqlite3.connect(bare)) as target:
        for (sql,) in source.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'leads' AND sql IS NOT NULL AND type <> 'trigger'"
        ).fetchall():
            target.execute(sql)
    return await _yardstick("plain_inserts", str(bare), "leads", str(count))


async def _yardstick(name: str, *arguments: str) -> float:
    return float(await _python(f"bot.bench.yardsticks.{name}", *arguments))


async def _python(module: str, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **SECRETS},
    )
    out, error = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{module} ended with {process.returncode}: {error.decode()}")
    return out.decode().strip().rpartition("\n")[2]


async def _import(folder: Path, table: Path) -> tuple[float, float, float]:
    """Import into a new database; gives rows a second, the MiB grown here, and the MiB of the process beside."""
    place = _place(folder)
    await place.run("migrate")
    rate, mine, beside = (await _python(_RUN, "import", str(place.write_settings()), str(table))).split()
    return float(rate), float(mine), float(beside)


async def _read(folder: Path, table: Path) -> float:
    """Read and check a table without a database; gives rows a second."""
    place = _place(folder)
    return float((await _python(_RUN, "read", str(place.write_settings()), str(table))).split()[0])


async def _twice(folder: Path, table: Path) -> Figure:
    """Import one file twice: the second time nothing changes."""
    place = _place(folder / "twice")
    await place.run("migrate")
    first = await place.run("import", "leads", str(table))
    before = _look(place.database)
    begun = time.monotonic()
    second = await place.run("import", "leads", str(table))
    took = time.monotonic() - begun
    same = _look(place.database) == before and "没有改动" in second and "完成" in first
    return Figure("11", "the same file again", f"{took:.1f} s, {before[0]} leads", promise="changes nothing", held=same)


def _look(path: Path) -> tuple[object, ...]:
    with closing(sqlite3.connect(path)) as database:
        query = (
            "SELECT count(*), max(updated_at), (SELECT count(*) FROM people), (SELECT count(*) FROM changed_rows) FROM leads"
        )
        found: tuple[object, ...] = database.execute(query).fetchone()
        return found


async def exports(quick: bool) -> list[Figure]:
    """Measure promise 12 on leads."""
    count = 50_000 if quick else 300_000
    figures = []
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        place = Place(Path(folder))
        await place.run("migrate")
        from bot.bench.filling import fill

        await fill(place.database, count * 2)
        for form, promise in (("csv", 100_000), ("jsonl", 100_000), ("xlsx", 10_000)):
            found = [(await _python(_RUN, "export", str(place.write_settings()), form)).split() for _ in range(TURNS)]
            rate = max(float(each[0]) for each in found)
            grown = max(float(each[1]) for each in found)
            what = f"{form} rows exported a second, {count} leads"
            figures.append(Figure("12", what, f"{rate:.0f}", promise=f">= {promise}", held=rate >= promise))
            figures.append(Figure("12", f"{form}: memory grown", f"{grown:.0f} MiB", promise="<= 32 MiB", held=grown <= 32))
    return figures


def memory_mib(pid: int | str, name: str) -> float:
    """Tell what a process holds now (VmRSS) or held at most (VmHWM); 0 for one that has ended.

    Not by `getrusage`: its maximum is inherited from whoever started the process, and hides what it grew by.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), 0.0)
