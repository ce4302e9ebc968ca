"""The audit trail in blocks; what stood before and after moves to a table of its own, where `erase` can empty it."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from crm_core.db import UtcDatetimeField
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0002_queues')]

    initial = False

    operations = [
        ops.CreateModel(
            name='AuditBlock',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('number', fields.BigIntField(unique=True)),
                ('entries', fields.IntField(default=0)),
                ('digest', fields.CharField(default='', max_length=64)),
                ('sealed_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'audit_blocks', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.CreateModel(
            name='AuditValues',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('entry_id', fields.BigIntField(unique=True)),
                ('salt', fields.CharField(default='', max_length=32)),
                ('before', fields.TextField(default='', unique=False)),
                ('after', fields.TextField(default='', unique=False)),
            ],
            options={'table': 'audit_values', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.AddField(
            model_name='AuditEntry',
            name='block_id',
            field=fields.BigIntField(null=True, db_index=True),
        ),
        ops.AddField(
            model_name='AuditEntry',
            name='digest',
            field=fields.CharField(default='', max_length=64),
        ),
        ops.AddField(
            model_name='AuditEntry',
            name='names',
            field=fields.CharField(default='', max_length=500),
        ),
        ops.RunSQL(
            "INSERT INTO audit_values (entry_id, salt, before, after, created_at, updated_at)"
            " SELECT id, '', before, after, created_at, updated_at FROM audit_entries WHERE before <> '' OR after <> ''",
            reverse_sql="DELETE FROM audit_values",
        ),
        ops.RemoveField(model_name='AuditEntry', name='after'),
        ops.RemoveField(model_name='AuditEntry', name='before'),
    ]
