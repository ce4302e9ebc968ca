"""The private PostgreSQL server of a test run; the benchmarks measure on the same."""

from bot.bench.postgres import PostgresServer

__all__ = ["PostgresServer"]
