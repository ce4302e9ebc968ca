"""Yardsticks and benchmarks behind `guanxi bench`."""

from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Measure the named promises, or all; 1 when one is not held."""
    # Loaded here, because the yardsticks are modules of this package and must not carry the product with them.
    from bot.bench.run import main as run

    return run(argv)
