"""Counts kept as rows are written (docs/adr/0033-rollups.md).

SQLite: triggers move the counts themselves; messages alone are counted by a cursor, so that their way in stays as short as
it was. PostgreSQL: triggers append to `rollup_deltas`, which nobody waits for, and a job moves those into `rollups`.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

KEY = 'topic, day, one, two, owner_id, department_id'
TABLE = """
CREATE TABLE rollups (
    topic VARCHAR(32) NOT NULL,
    day VARCHAR(10) NOT NULL,
    one VARCHAR(128) NOT NULL,
    two VARCHAR(64) NOT NULL,
    owner_id BIGINT NOT NULL,
    department_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (topic, day, one, two, owner_id, department_id)
)"""

# Topic, table, (day, one, two, owner, department), when it counts. {r} is the row, {day:column} the Shanghai day of it.
OWNED = ('coalesce({r}.owner_id, 0)', 'coalesce({r}.department_id, 0)')
BY_EMPLOYEE = ('coalesce({r}.employee_id, 0)', '0')
KEPT = '{r}.merged_into_id IS NULL AND {r}.deleted_at IS NULL'
TOPICS = (
    ('leads', 'leads', ("''", '{r}.source', '{r}.status', *OWNED), '{r}.merged_into_id IS NULL'),
    ('leads_by_day', 'leads', ('{day:created_at}', "''", "''", *OWNED), '{r}.merged_into_id IS NULL'),
    ('customers', 'customers', ("''", '{r}.status', '{r}.kind', *OWNED), KEPT),
    ('customers_by_industry', 'customers', ("''", '{r}.industry', "''", *OWNED), KEPT),
    ('customers_by_region', 'customers', ("''", '{r}.region', "''", *OWNED), KEPT),
    ('customers_by_day', 'customers', ('{day:created_at}', "''", "''", *OWNED), KEPT),
    ('follow_ups', 'follow_ups', ('{day:at}', '{r}.method', "''", 'coalesce({r}.author_id, 0)', '0'), '{r}.undone_at IS NULL'),
    ('conversions', 'change_sets', ('{day:created_at}', "''", "''", *BY_EMPLOYEE), "{r}.kind = 'conversion' AND {r}.undone_at IS NULL"),
    ('opportunities', 'opportunities', ("''", '{r}.status', '{r}.stage', 'coalesce({r}.owner_id, 0)', '0'), '1 = 1'),
    ('messages', 'messages', ('{day:at}', '{r}.channel', "CASE WHEN {r}.kind = 'event' THEN 'event' ELSE {r}.direction END", '0', '0'), '1 = 1'),
)
# What a change of moves a row from one count to another.
COLUMNS = {
    'leads': ('source', 'status', 'owner_id', 'department_id', 'created_at', 'merged_into_id'),
    'customers': ('status', 'kind', 'industry', 'region', 'owner_id', 'department_id', 'created_at', 'merged_into_id', 'deleted_at'),
    'follow_ups': ('at', 'method', 'author_id', 'undone_at'),
    'change_sets': ('kind', 'employee_id', 'undone_at'),
    'opportunities': ('status', 'stage', 'owner_id'),
}
SQLITE_ONLY_BY_CURSOR = 'messages'


class _Days:
    """Writes `{day:column}` in the words of a database."""

    def __init__(self, form, row):
        self.form, self.row = form, row

    def __format__(self, column):
        return self.form.format(f'{self.row}.{column}')


SQLITE_DAY = "date({}, '+8 hours')"
POSTGRES_DAY = "to_char({} AT TIME ZONE INTERVAL '8 hours', 'YYYY-MM-DD')"


def _said(words, row, day):
    return words.format(r=row, day=_Days(day, row))


def _grouped(topic, source, columns, when, day, sign=''):
    inner = ', '.join(f'{_said(column, "t", day)} AS c{number}' for number, column in enumerate(columns))
    return (
        f"SELECT '{topic}', c0, c1, c2, c3, c4, {sign}count(*) FROM (SELECT {inner} FROM {source} t"
        f" WHERE {_said(when, 't', day)}) q GROUP BY c0, c1, c2, c3, c4"
    )


def _sqlite():
    yield TABLE + ' WITHOUT ROWID'
    yield 'CREATE TABLE rollup_cursors (name VARCHAR(32) NOT NULL PRIMARY KEY, last_id BIGINT NOT NULL)'
    yield f"INSERT INTO rollup_cursors (name, last_id) SELECT 'messages', coalesce(max(id), 0) FROM {SQLITE_ONLY_BY_CURSOR}"
    for topic, table, columns, when in TOPICS:
        yield f'INSERT INTO rollups ({KEY}, number) ' + _grouped(topic, table, columns, when, SQLITE_DAY)
    yield from TRIGGERS.values()


def _sqlite_triggers(table):
    mine = [topic for topic in TOPICS if topic[1] == table]
    more = ' '.join(_sqlite_more(*topic) for topic in mine)
    less = ' '.join(_sqlite_less(*topic) for topic in mine)
    if table == SQLITE_ONLY_BY_CURSOR:
        yield (
            f"CREATE TRIGGER rollup_{table}_gone AFTER DELETE ON {table}"
            f" WHEN OLD.id <= (SELECT last_id FROM rollup_cursors WHERE name = 'messages') BEGIN {less} END"
        )
        return
    names = COLUMNS[table]
    differs = ' OR '.join(f'OLD.{name} IS NOT NEW.{name}' for name in names)
    yield f'CREATE TRIGGER rollup_{table}_made AFTER INSERT ON {table} BEGIN {more} END'
    yield f'CREATE TRIGGER rollup_{table}_gone AFTER DELETE ON {table} BEGIN {less} END'
    yield f'CREATE TRIGGER rollup_{table}_moved AFTER UPDATE OF {", ".join(names)} ON {table} WHEN {differs} BEGIN {less} {more} END'


def _sqlite_more(topic, table, columns, when):
    values = ', '.join(_said(column, 'NEW', SQLITE_DAY) for column in columns)
    return (
        f"INSERT INTO rollups ({KEY}, number) SELECT '{topic}', {values}, 1 WHERE {_said(when, 'NEW', SQLITE_DAY)}"
        f' ON CONFLICT ({KEY}) DO UPDATE SET number = number + 1;'
    )


def _sqlite_less(topic, table, columns, when):
    names = KEY.split(', ')[1:]
    same = ' AND '.join(f'{name} = {_said(column, "OLD", SQLITE_DAY)}' for name, column in zip(names, columns))
    mine = f"topic = '{topic}' AND {same} AND ({_said(when, 'OLD', SQLITE_DAY)})"
    # A count of nothing goes, and the words it was kept under with it.
    return f'UPDATE rollups SET number = number - 1 WHERE {mine}; DELETE FROM rollups WHERE {mine} AND number = 0;'


# The triggers of an embedded database by name, as the file keeps them: a backup with others is refused.
TRIGGERS = {sql.split()[2]: sql for table in dict.fromkeys(table for _, table, _, _ in TOPICS) for sql in _sqlite_triggers(table)}


def _postgres():
    yield TABLE
    yield (
        'CREATE TABLE rollup_deltas (id BIGSERIAL PRIMARY KEY, topic VARCHAR(32) NOT NULL, day VARCHAR(10) NOT NULL,'
        ' one VARCHAR(128) NOT NULL, two VARCHAR(64) NOT NULL, owner_id BIGINT NOT NULL, department_id BIGINT NOT NULL,'
        ' number BIGINT NOT NULL)'
    )
    for topic, table, columns, when in TOPICS:
        yield f'INSERT INTO rollups ({KEY}, number) ' + _grouped(topic, table, columns, when, POSTGRES_DAY)
    for table in dict.fromkeys(table for _, table, _, _ in TOPICS):
        yield from _postgres_triggers(table)


def _postgres_triggers(table):
    mine = [topic for topic in TOPICS if topic[1] == table]
    into = f'INSERT INTO rollup_deltas ({KEY}, number) '
    topics = ', '.join(f"'{topic}'" for topic, *_ in mine)

    def grouped(source, sign):
        return into + ' UNION ALL '.join(
            _grouped(topic, source, columns, when, POSTGRES_DAY, sign) for topic, _, columns, when in mine
        )

    def one(row, sign):
        return into + ' UNION ALL '.join(
            f"SELECT '{topic}', {', '.join(_said(column, row, POSTGRES_DAY) for column in columns)}, {sign}1"
            f" WHERE {_said(when, row, POSTGRES_DAY)}"
            for topic, _, columns, when in mine
        )

    yield _function(f'rollup_{table}_made', grouped('made', ''))
    yield (
        f'CREATE TRIGGER rollup_{table}_made AFTER INSERT ON {table} REFERENCING NEW TABLE AS made'
        f' FOR EACH STATEMENT EXECUTE FUNCTION rollup_{table}_made()'
    )
    yield _function(f'rollup_{table}_gone', grouped('gone', '-'))
    yield (
        f'CREATE TRIGGER rollup_{table}_gone AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone'
        f' FOR EACH STATEMENT EXECUTE FUNCTION rollup_{table}_gone()'
    )
    empty = f'DELETE FROM rollup_deltas WHERE topic IN ({topics}); DELETE FROM rollups WHERE topic IN ({topics})'
    yield _function(f'rollup_{table}_emptied', f'LOCK TABLE rollups IN EXCLUSIVE MODE; {empty}')
    yield (
        f'CREATE TRIGGER rollup_{table}_emptied AFTER TRUNCATE ON {table}'
        f' FOR EACH STATEMENT EXECUTE FUNCTION rollup_{table}_emptied()'
    )
    if table in COLUMNS:
        names = COLUMNS[table]
        differs = ' OR '.join(f'OLD.{name} IS DISTINCT FROM NEW.{name}' for name in names)
        yield _function(f'rollup_{table}_moved', f'{one("OLD", "-")}; {one("NEW", "")}')
        yield (
            f'CREATE TRIGGER rollup_{table}_moved AFTER UPDATE OF {", ".join(names)} ON {table}'
            f' FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION rollup_{table}_moved()'
        )


def _function(name, body):
    return f'CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$'


async def make(_apps, editor):
    """Make the tables, count what is there, and keep it counted."""
    client = editor.client
    statements = _sqlite() if client.capabilities.dialect == 'sqlite' else _postgres()
    for statement in statements:
        await client.execute_script(statement + ';')


class Migration(migrations.Migration):
    dependencies = [('models', '0017_segments')]

    initial = False

    operations = [ops.RunPython(make)]
