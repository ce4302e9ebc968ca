"""Y2: sqlite3 alone, 1000 rows a transaction, the columns and indexes of the table compared with, synchronous=FULL.

Called as DATABASE TABLE COUNT: the file holds the schema; the rows are made before the clock starts. Prints rows a second.
"""

import sqlite3
import sys
import time

ROWS = 1000


def main() -> None:
    """Insert and tell how fast."""
    path, table, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=FULL")
    names = [row[1] for row in raw.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
    sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
    # Numbers that do not come in their order, as people's do not.
    rows = [_row(names, number * 7_919 % count) for number in range(count)]
    begun = time.perf_counter()
    for first in range(0, count, ROWS):
        raw.execute("BEGIN")
        raw.executemany(sql, rows[first : first + ROWS])
        raw.execute("COMMIT")
    print(count / (time.perf_counter() - begun))


def _row(names: list[str], number: int) -> tuple[object, ...]:
    now = "2026-11-25 02:00:00.000000+00:00"
    known = {
        **{"created_at": now, "updated_at": now, "person_id": number + 1, "name": f"客人{number % 8000}", "status": "new"},
        **{"company": f"东风{number % 5000}机械厂", "title": "采购经理", "mobile": f"+86138{number:08d}", "region": "上海浦东"},
        **{"email": f"u{number}@example.cn", "source": "展会", "need": f"想要{number % 50}台网关", "wechat_id": f"wx{number}"},
        **{"name_key": f"ke ren {number % 8000}", "company_key": f"dong feng {number % 5000}", "region_code": "310115"},
        **{"intent_count": 1, "claim_count": 0, "score": 0, "amount": "50000", "qualification": "lead"},
    }
    empty = {"landline", "birthday", "owner_id", "claimed_at", "last_follow_up_at", "customer_id", "contact_id"}
    return tuple(known.get(name, None if name in empty or name.endswith(("_id", "_at")) else "") for name in names)


if __name__ == "__main__":
    main()
