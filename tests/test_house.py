"""The house rules: import order, cycles, sizes, mirrored tests, banned calls."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("crm_core", "scheduler", "campaigns", "handlers", "bot")
SOURCES = [
    path.relative_to(ROOT)
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "migrations" not in path.parts
]
DISCOVERED = ("handlers/commands", "crm_core/reports", "scheduler/jobs")
BROAD_CATCHES = {
    "handlers/pipeline.py",
    "scheduler/worker.py",
    "bot/supervisor.py",
    "bot/delivery.py",
    "bot/doctor/run.py",
    "bot/mail_drop.py",  # the library of mails raises whatever anybody can write
    "crm_core/sqlite_writer.py",
    "crm_core/db.py",
    "crm_core/postgres_programs.py",
}


def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_imports_go_down_only(path: Path) -> None:
    rank = FOLDERS.index(path.parts[0])
    above = [name for name in imports_of(path) if name.split(".")[0] in FOLDERS[rank + 1 :]]
    assert not above


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_files_and_functions_are_small(path: Path) -> None:
    lines = (ROOT / path).read_text(encoding="utf-8").count("\n")
    assert lines <= 400, f"{lines} lines"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 50, f"{node.name} has {length} lines"


def test_no_import_cycle() -> None:
    modules = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in SOURCES}
    graph = {
        name: {found for found in imports_of(path) if found in modules and found != name} for name, path in modules.items()
    }
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name in done:
            return
        for other in sorted(graph[name]):
            # A package's docstring-only __init__ is no dependency of its own modules.
            if not name.startswith(f"{other}."):
                visit(other, (*way, name))
        done.add(name)

    for name in sorted(graph):
        visit(name, ())


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_discovered_modules_do_not_import_siblings(path: Path) -> None:
    folder = str(path.parent)
    if folder in DISCOVERED and path.name != "__init__.py":
        package = folder.replace("/", ".")
        assert not [name for name in imports_of(path) if name.startswith(f"{package}.")]


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_only_the_edge_talks_to_the_world(path: Path) -> None:
    if path.parts[0] != "bot":
        assert not {name.split(".")[0] for name in imports_of(path)} & {"aiohttp", "requests", "redis", "jinja2", "wechatpy"}


def test_the_simulator_is_independent() -> None:
    for path in SOURCES:
        if path.parts[:2] == ("bot", "simulator"):
            ours = {name for name in imports_of(path) if name.split(".")[0] in FOLDERS}
            assert all(name.startswith("bot.simulator") for name in ours), path


def test_broad_catches_stand_in_few_places() -> None:
    found = set()
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ExceptHandler) and (node.type is None or getattr(node.type, "id", "") == "Exception"):
                found.add(str(path))
    decoders = {name for name in found if name.startswith(("bot/envelope", "bot/channels/", "bot/simulator/", "bot/bench/"))}
    assert found - decoders <= BROAD_CATCHES


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name != "__init__.py"], ids=str)
def test_every_module_has_its_test(path: Path) -> None:
    """A source file's test stands under the same path, or its folder is tested as one room."""
    if path.parts[:2] in {("bot", "bench"), ("bot", "simulator")} or path.name in ("__main__.py", "models.py"):
        return
    exact = ROOT / "tests" / path.parent / f"test_{path.name}"
    room = ROOT / "tests" / path.parent
    assert exact.exists() or any(room.glob("test_*.py")), f"no test for {path}"


def test_sources_name_no_machine() -> None:
    for path in SOURCES:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not any(word in text for word in ("/work/", "/root/")), path
