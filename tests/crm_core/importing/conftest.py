"""Tables to import, and importing them."""

import csv
import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from crm_core.access import Actor
from crm_core.importing import imports, running
from crm_core.importing.imports import Import
from crm_core.importing.refused import RefusedFile
from crm_core.importing.running import Counted
from crm_core.ports import Core
from tests.factories import SYSTEM

Rows = Sequence[Sequence[Any]]


def csv_bytes(rows: Rows, encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(encoding)


def xlsx_bytes(rows: Rows, *, merged: str = "", shared: bool = True) -> bytes:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"constant_memory": not shared, "strings_to_formulas": False})
    sheet = book.add_worksheet()
    for index, row in enumerate(rows):
        sheet.write_row(index, 0, row)
    if merged:
        sheet.merge_range(merged, "合并")
    book.close()
    return made.getvalue()


@dataclass
class Table:
    """Imports files from a folder of their own."""

    core: Core
    folder: Path

    async def begin(self, content: bytes | Rows, kind: str = "leads", actor: Actor = SYSTEM, **values: Any) -> Import:
        raw = content if isinstance(content, bytes) else csv_bytes(content)
        path = self.folder / f"table-{len(list(self.folder.iterdir()))}"
        path.write_bytes(raw)
        row = await imports.create(self.core, actor, kind, file_name=path.name, by_server=False, **values)
        await imports.take_file(self.core, row, path, imports.digest_of(self.core, path))
        return row

    async def count(self, content: bytes | Rows, kind: str = "leads", actor: Actor = SYSTEM, **values: Any) -> Counted:
        return await running.check(self.core, await self.begin(content, kind, actor, **values), actor)

    async def run(self, content: bytes | Rows, kind: str = "leads", actor: Actor = SYSTEM, **values: Any) -> Import:
        row = await self.begin(content, kind, actor, **values)
        with RefusedFile(self.refused, kind) as refused:
            return await running.run(self.core, row, actor, refused=refused)

    @property
    def refused(self) -> Path:
        return self.folder.parent / "refused.csv"

    def refused_rows(self) -> list[dict[str, str]]:
        with self.refused.open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.DictReader(stream))


@pytest.fixture
def table(core: Core, tmp_path: Path) -> Table:
    folder = tmp_path / "tables"
    folder.mkdir()
    return Table(replace(core, settings=replace(core.settings, data_dir=tmp_path / "data")), folder)


Make = Callable[..., Awaitable[Import]]
