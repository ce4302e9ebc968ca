"""The box as a whole."""

import ast
import sys
from pathlib import Path

from bot.simulator import Simulator, SimulatorOptions

SOURCE = Path(__file__).parents[3] / "bot" / "simulator"
PRODUCT = {"bot", "handlers", "campaigns", "scheduler", "crm_core"}


async def test_it_starts_on_a_free_port_and_stops():
    async with Simulator() as sim:
        assert sim.base_url.startswith("http://127.0.0.1:")
        assert sim.complaints == []
        async with Simulator() as other:
            assert other.base_url != sim.base_url


async def test_stopping_before_starting_is_harmless():
    await Simulator().stop()


async def test_counting_only_counts(api):
    sim = Simulator(options=SimulatorOptions(counting_only=True))
    await sim.wechat.say("oA", "你好")
    assert sim.wechat.chat("oA") == []
    await sim.settle()


def test_it_uses_nothing_of_the_product():
    for path in SOURCE.rglob("*.py"):
        for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
            top = name.split(".")[0]
            assert top not in PRODUCT or name.startswith("bot.simulator"), f"{path.name} imports {name}"


def test_only_two_libraries_are_used():
    for path in SOURCE.rglob("*.py"):
        for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names or top in {"aiohttp", "cryptography", "bot"}, f"{path.name} imports {name}"


def imported(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return names
