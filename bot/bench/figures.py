"""One measured figure beside its yardstick and its promise, and the table of them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured. `held` is None for a figure that stands beside without a promise of its own."""

    row: str
    what: str
    product: str
    yardstick: str = ""
    ratio: str = ""
    promise: str = ""
    held: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """Give the cells of its line."""
        word = "" if self.held is None else "ok" if self.held else "SHORT"
        return (self.row, self.what, self.product, self.yardstick, self.ratio, self.promise, word)


HEAD = ("row", "what", "product", "yardstick", "ratio", "promise", "")


def table(figures: Sequence[Figure]) -> str:
    """Write the figures as a Markdown table with even columns."""
    lines = [HEAD, *(figure.cells() for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    rows = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines]
    return "\n".join([rows[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *rows[1:]])
