"""Whoever was erased stays erased, whatever is restored."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot import erasures
from crm_core import personal_data
from crm_core.access import Role
from crm_core.employees import Employee
from crm_core.identity import Person
from crm_core.leads import Lead
from crm_core.ports import Core
from tests.bot.cli.conftest import Run, clean_environ, driver, empty_folder, folder, guanxi  # noqa: F401 - fixtures
from tests.bot.cli.conftest import _migrated as _migrated
from tests.bot.cli.test_people import MOBILE, NAME, ROWS, insert, left
from tests.factories import SYSTEM, make_employee, make_lead
from tests.old_schemas import become_older

AGAIN = "已再次删除：1"


@pytest.fixture
def erased(guanxi: Run, folder: Path) -> Path:  # noqa: F811
    """A database whose person 1 was erased after the backup `one.db` was taken."""
    insert(folder / "crm.db", ROWS)
    guanxi("backup", "one.db")
    guanxi("erase", "--person", "1")
    return folder


def is_clean(folder: Path) -> bool:  # noqa: F811
    content = b"".join(path.read_bytes() for path in folder.glob("crm.db*"))
    return not any(word.encode() in content for word in (NAME, MOBILE[3:]))


def test_a_restored_backup_brings_nobody_back(guanxi: Run, erased: Path) -> None:  # noqa: F811
    told = guanxi("restore", "one.db")
    assert AGAIN in told.stdout
    assert "与清单一致" in told.last
    assert is_clean(erased)
    assert guanxi("audit", "verify").status == 0
    # Once more, it is known.
    guanxi("backup", "two.db")
    assert "再次删除" not in guanxi("restore", "two.db").stdout


def test_the_journal_names_nobody(guanxi: Run, erased: Path) -> None:  # noqa: F811
    journal = erased / "store" / erasures.NAME
    assert journal.stat().st_mode & 0o777 == 0o600
    assert journal.read_text(encoding="utf-8").split() == ['{"person_id":1,"since":"2026-11-01T02:00:00Z"}']


@pytest.mark.parametrize("lost", ["crm.db", f"store/{erasures.NAME}"])
def test_the_journal_or_the_trail_is_enough(guanxi: Run, erased: Path, lost: str) -> None:  # noqa: F811
    (erased / lost).unlink()
    assert AGAIN in guanxi("restore", "one.db").stdout
    assert is_clean(erased)


def test_a_broken_database_and_a_cut_journal(guanxi: Run, erased: Path) -> None:  # noqa: F811
    (erased / "crm.db").write_bytes(b"broken" * 1000)
    with (erased / "store" / erasures.NAME).open("a") as file:
        file.write('{"person_id":2,"si')
    assert AGAIN in guanxi("restore", "one.db").stdout
    assert is_clean(erased)


def test_a_number_given_out_again_is_somebody_else(guanxi: Run, erased: Path) -> None:  # noqa: F811
    with closing(sqlite3.connect(erased / "crm.db")) as raw:
        raw.execute("DELETE FROM audit_entries WHERE action = 'person.erase'")
        raw.execute("UPDATE people SET created_at = '2026-11-02 02:00:00+00:00'")
        raw.commit()
    insert(erased / "crm.db", [each for each in ROWS if each[0] in ("leads", "contacts")])
    guanxi("backup", "later.db")
    assert "再次删除" not in guanxi("restore", "later.db").stdout
    assert left(erased / "crm.db", "SELECT name FROM leads") == [NAME]


def test_an_employee_who_had_left_leaves_again(guanxi: Run, folder: Path) -> None:  # noqa: F811
    guanxi("employee", "add", "欧阳千惠", "--role", "sales", "--mobile", "13912345678")
    guanxi("backup", "one.db")
    guanxi("employee", "depart", "1")
    guanxi("erase", "--person", "1")
    assert AGAIN in guanxi("restore", "one.db").stdout
    assert is_clean(folder)
    assert left(folder / "crm.db", "SELECT name FROM employees WHERE departed_at IS NOT NULL") == ["已删除员工1"]


def test_those_who_were_merged_into_them_too(guanxi: Run, folder: Path) -> None:  # noqa: F811
    insert(folder / "crm.db", ROWS)
    more = {"status": "new", "score": 0, "intent_count": 1, "claim_count": 0}
    insert(folder / "crm.db", [("people", {"id": 3}), ("leads", {"id": 3, "person_id": 3, "name": NAME, **more})])
    guanxi("backup", "one.db")
    with closing(sqlite3.connect(folder / "crm.db")) as raw:
        raw.execute("UPDATE people SET merged_into_id = 1 WHERE id = 3")
        raw.commit()
    guanxi("erase", "--person", "1")
    (folder / "store" / erasures.NAME).unlink()
    assert "已再次删除：1、3" in guanxi("restore", "one.db").stdout
    assert left(folder / "crm.db", "SELECT count(*) FROM leads") == [0]


def test_a_backup_of_an_older_schema_is_left_to_the_start(guanxi: Run, erased: Path) -> None:  # noqa: F811
    become_older(erased / "one.db", "0008_audit_indexes")  # a bare copy of what an older version had
    assert "升级后第一次启动" in guanxi("restore", "one.db").stdout
    assert left(erased / "crm.db", "SELECT count(*) FROM leads") == [1]


START = """
import asyncio
from pathlib import Path
from bot.app import App
from bot.config import load

async def start():
    app = App(load(Path("config.toml"), {}))
    await app.open()
    await app.stop()

asyncio.run(start())
"""


def test_a_start_erases_whom_a_copied_file_brought_back(erased: Path) -> None:
    shutil.copy(erased / "one.db", erased / "crm.db")
    # In a process of its own: a database that is closed takes that of the tests with it.
    subprocess.run([sys.executable, "-c", START], cwd=erased, env=clean_environ(), check=True, timeout=50, capture_output=True)
    assert is_clean(erased)


async def test_an_erasure_that_was_cut_off_is_finished(core: Core, tmp_path: Path) -> None:
    core = replace(core, settings=replace(core.settings, data_dir=tmp_path))
    first, second = await make_lead(core, "张伟"), await make_lead(core, "李娜")
    await personal_data.erase(core, SYSTEM, first.person_id, erasures.holdings())
    await erasures.note(core, [first.person_id])
    assert await erasures.settle(core) == []
    await core.state.set(f"erase:{first.person_id}", '[["张伟"],[]]', lasts=personal_data.RESUMED_WITHIN)
    assert await erasures.settle(core) == [first.person_id]
    assert await erasures.settle(core) == []
    assert [lead.id for lead in await Lead.all()] == [second.id]


async def test_a_journal_nobody_can_read_stops_no_start(core: Core, tmp_path: Path) -> None:
    (tmp_path / erasures.NAME).mkdir()
    assert await erasures.settle(replace(core, settings=replace(core.settings, data_dir=tmp_path))) == []


async def test_nothing_known_asks_nothing(core: Core, tmp_path: Path) -> None:
    core = replace(core, settings=replace(core.settings, data_dir=tmp_path))
    boss = await make_employee(core, "王经理", Role.MANAGER)
    assert await erasures.settle(core) == []
    erasures.write(tmp_path, [erasures.Erasure(boss.person_id, (await Person.get(id=boss.person_id)).created_at)])
    assert await erasures.settle(core) == [boss.person_id]
    assert (await Employee.get()).departed_at is not None
