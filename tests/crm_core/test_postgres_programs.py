"""Portable SQL in the words of PostgreSQL."""

import pytest

from crm_core.ports import CLAIM, CLAIM_P, HOLD
from crm_core.postgres_programs import in_words_of_postgres


@pytest.mark.parametrize(
    ("portable", "own", "gives_rows"),
    [
        ("SELECT a FROM t WHERE b = ? AND c = ?", "SELECT a FROM t WHERE b = $1 AND c = $2", True),
        ("UPDATE t SET a = '?', b = ?", "UPDATE t SET a = '?', b = $1", False),
        ("UPDATE t SET a = 'it''s ?', \"b?\" = ?", "UPDATE t SET a = 'it''s ?', \"b?\" = $1", False),
        ("DELETE FROM t WHERE a = ? RETURNING id", "DELETE FROM t WHERE a = $1 RETURNING id", True),
        ("UPDATE t SET a = 'RETURNING' -- why?\nWHERE b = ?", "UPDATE t SET a = 'RETURNING' -- why?\nWHERE b = $1", False),
        ("INSERT INTO t SELECT ? /* ? */", "INSERT INTO t SELECT $1 /* ? */", False),
        (f"SELECT a FROM t LIMIT ?{CLAIM}", "SELECT a FROM t LIMIT $1 FOR UPDATE SKIP LOCKED", True),
        (f"SELECT a FROM t p LIMIT ?{CLAIM_P}", "SELECT a FROM t p LIMIT $1 FOR UPDATE OF p SKIP LOCKED", True),
        (f"SELECT a FROM t{HOLD}", "SELECT a FROM t FOR UPDATE", True),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "WITH x AS (SELECT 1) SELECT * FROM x", True),
        (
            f"WITH x AS (SELECT 1{CLAIM}) UPDATE t SET a = ?",
            "WITH x AS (SELECT 1 FOR UPDATE SKIP LOCKED) UPDATE t SET a = $1",
            False,
        ),
        (f"WITH x AS (SELECT 1{HOLD}) SELECT * FROM x", "WITH x AS (SELECT 1 FOR UPDATE) SELECT * FROM x", True),
    ],
)
def test_portable_sql_in_the_words_of_postgres(portable: str, own: str, gives_rows: bool) -> None:
    assert in_words_of_postgres(portable) == (own, gives_rows)
