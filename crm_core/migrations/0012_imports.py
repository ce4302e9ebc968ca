"""Imports, their rows, and what waits in quarantine."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from crm_core.db import UtcDatetimeField
from tortoise import fields


def _stamped(*more):
    return [
        ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
        ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
        ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
        *more,
    ]


class Migration(migrations.Migration):
    dependencies = [('models', '0011_identity')]

    initial = False

    operations = [
        ops.AddField(model_name='Lead', name='region_code', field=fields.CharField(default='', db_default='', max_length=6)),
        ops.AddField(model_name='Lead', name='recorded_by', field=fields.CharField(default='', db_default='', max_length=64)),
        ops.AddField(model_name='Customer', name='region_code', field=fields.CharField(default='', db_default='', max_length=6)),
        ops.AddField(model_name='Customer', name='recorded_by', field=fields.CharField(default='', db_default='', max_length=64)),
        ops.AddField(model_name='Contact', name='recorded_by', field=fields.CharField(default='', db_default='', max_length=64)),
        ops.CreateModel(
            name='Import',
            fields=_stamped(
                ('kind', fields.CharField(max_length=16)),
                ('file_name', fields.CharField(default='', max_length=200)),
                ('digest', fields.CharField(default='', max_length=64, db_index=True)),
                ('path', fields.CharField(default='', max_length=500)),
                ('on_duplicate', fields.CharField(max_length=16)),
                ('source', fields.CharField(default='', max_length=128)),
                ('status', fields.CharField(max_length=16)),
                ('by_server', fields.BooleanField(default=True)),
                ('role', fields.CharField(max_length=16)),
                ('actor', fields.CharField(max_length=64)),
                ('employee_id', fields.BigIntField(null=True, db_index=True)),
                ('set_id', fields.BigIntField(null=True)),
                ('line_count', fields.IntField(default=0)),
                ('cursor', fields.IntField(default=0)),
                ('new_count', fields.IntField(default=0)),
                ('changed_count', fields.IntField(default=0)),
                ('duplicate_count', fields.IntField(default=0)),
                ('bad_count', fields.IntField(default=0)),
                ('kept_count', fields.IntField(default=0)),
                ('columns', fields.CharField(default='', max_length=1000)),
                ('unknown_columns', fields.CharField(default='', max_length=1000)),
                ('problem', fields.CharField(default='', max_length=200)),
                ('told_to', fields.CharField(default='', max_length=500)),
                ('media', fields.TextField(default='', unique=False)),
                ('finished_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ),
            options={'table': 'imports', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.RunSQL(
            "CREATE INDEX imports_open ON imports (id) WHERE status IN ('waiting', 'checking', 'queued', 'running', 'undoing')",
            reverse_sql="DROP INDEX imports_open",
        ),
        ops.CreateModel(
            name='QuarantinedRow',
            fields=_stamped(
                ('kind', fields.CharField(max_length=16)),
                ('source', fields.CharField(default='', max_length=128)),
                ('payload', fields.TextField(unique=False)),
                ('reason', fields.TextField(unique=False)),
                ('at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('import_id', fields.BigIntField(null=True, db_index=True)),
                ('line', fields.IntField(null=True)),
                ('employee_id', fields.BigIntField(null=True, db_index=True)),
                ('status', fields.CharField(default='waiting', max_length=16)),
                ('lead_id', fields.BigIntField(null=True)),
                ('person_id', fields.BigIntField(null=True)),
                ('settled_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('settled_by', fields.CharField(default='', max_length=64)),
            ),
            options={'table': 'quarantined_rows', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.RunSQL(
            "CREATE INDEX quarantined_waiting ON quarantined_rows (id) WHERE status = 'waiting'",
            reverse_sql="DROP INDEX quarantined_waiting",
        ),
        ops.RunSQL(
            "CREATE INDEX quarantined_settled ON quarantined_rows (settled_at) WHERE settled_at IS NOT NULL",
            reverse_sql="DROP INDEX quarantined_settled",
        ),
    ]
