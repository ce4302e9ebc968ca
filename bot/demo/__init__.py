"""`guanxi demo`: the real channels against the simulated platforms, the sample company, and one page to play on."""

from bot.demo.serving import run

__all__ = ["run"]
