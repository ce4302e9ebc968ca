"""The indexes of the audit trail that adding and removing columns did not make or lost on the way."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('models', '0007_audit_actors')]

    initial = False

    operations = [
        # The name the table began with, so that it is made only where the table was rebuilt without it.
        ops.RunSQL(
            'CREATE INDEX IF NOT EXISTS "idx_audit_entri_object__25da3d" ON audit_entries (object_id)',
            reverse_sql='DROP INDEX "idx_audit_entri_object__25da3d"',
        ),
        ops.RunSQL(
            "CREATE INDEX IF NOT EXISTS audit_entries_block ON audit_entries (block_id)",
            reverse_sql="DROP INDEX audit_entries_block",
        ),
    ]
