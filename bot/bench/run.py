"""`guanxi bench [--quick] [ROW...]`: measure the promises and print each beside its yardstick.

Everything is measured with durability "power", the product being a real `guanxi serve` on a temporary database.
"""

import argparse
import asyncio
import platform
from collections.abc import Awaitable, Callable, Sequence

from bot.bench import (
    rows_core,
    rows_gateway,
    rows_identity,
    rows_limits,
    rows_members,
    rows_outbox,
    rows_scores,
    rows_sending,
    rows_start,
    rows_tables,
)
from bot.bench.figures import Figure, table

Row = Callable[[bool], Awaitable[list[Figure]]]
ROWS: dict[str, Row] = {
    "1": rows_gateway.throughput,
    "1-wecom": rows_members.wecom,
    "1-dingtalk": rows_members.dingtalk,
    "1-kf": rows_members.customer_service,
    "2": rows_gateway.latency,
    "3": rows_gateway.slow_handler,
    "4": rows_gateway.repeats,
    "5": rows_gateway.overload,
    "6": rows_sending.broadcast,
    "6-postgres": rows_sending.broadcast_on_postgres,
    "8": rows_limits.limiter,
    "10": rows_start.start,
    "11": rows_tables.imports,
    "12": rows_tables.exports,
    "core": rows_core.core,
    "core-postgres": rows_core.core_on_postgres,
    "14": rows_start.understanding,
    "15": rows_outbox.outbox,
    "identity": rows_identity.identity,
    "scores": rows_scores.scores,
}


def main(argv: Sequence[str]) -> int:
    """Measure the named rows, or all; 1 when a promise is not held."""
    parser = argparse.ArgumentParser(prog="guanxi bench", description="与同次测得的上限比较，逐项检验承诺。")
    parser.add_argument("--quick", action="store_true", help="量小、时间短，只看大概")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"承诺的编号：{' '.join(ROWS)}；不给则全部")
    wanted = parser.parse_args(list(argv))
    unknown = [row for row in wanted.rows if row not in ROWS]
    if unknown:
        parser.error(f"没有这样的编号：{' '.join(unknown)}")
    figures: list[Figure] = []
    for row in wanted.rows or ROWS:
        figures += asyncio.run(_measure(ROWS[row], wanted.quick))
        print(table(figures[-1:]).splitlines()[-1], flush=True)
    print(f"\nPython {platform.python_version()}, durability = power\n")
    print(table(figures))
    return 0 if all(figure.held is not False for figure in figures) else 1


async def _measure(row: Row, quick: bool) -> list[Figure]:
    return await row(quick)
