"""Indexes over only what still has to be done, so that they stay small however long the history grows."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Partial indexes; the same words on SQLite and PostgreSQL."""

    dependencies = [("models", "0001_initial")]  # noqa: RUF012 - Tortoise's form

    operations = [  # noqa: RUF012 - Tortoise's form
        ops.RunSQL(
            "CREATE INDEX messages_queued ON messages (channel, not_before, id) WHERE status = 'queued'",
            reverse_sql="DROP INDEX messages_queued",
        ),
        ops.RunSQL(
            "CREATE INDEX messages_claimed ON messages (lease_until) WHERE status = 'claimed'",
            reverse_sql="DROP INDEX messages_claimed",
        ),
        ops.RunSQL(
            "CREATE INDEX messages_open ON messages (id) WHERE status = 'open'",
            reverse_sql="DROP INDEX messages_open",
        ),
        ops.RunSQL(
            "CREATE INDEX messages_waiting ON messages (account_id) WHERE status = 'kept' OR status = 'unknown'",
            reverse_sql="DROP INDEX messages_waiting",
        ),
        ops.RunSQL(
            "CREATE INDEX recipients_planned ON recipients (broadcast_id, id) WHERE status = 'planned'",
            reverse_sql="DROP INDEX recipients_planned",
        ),
        ops.RunSQL(
            "CREATE INDEX recipients_claimed ON recipients (lease_until) WHERE status = 'claimed'",
            reverse_sql="DROP INDEX recipients_claimed",
        ),
        ops.RunSQL(
            "CREATE INDEX recipients_reached ON recipients (person_id, claimed_at) WHERE claimed_at IS NOT NULL",
            reverse_sql="DROP INDEX recipients_reached",
        ),
        ops.RunSQL(
            "CREATE UNIQUE INDEX recipients_greeted ON recipients (greeting_key) WHERE greeting_key IS NOT NULL",
            reverse_sql="DROP INDEX recipients_greeted",
        ),
    ]
