"""The names of those who did what the audit trail tells: a salted hash in the chain, the salt where `erase` can empty it."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from crm_core.db import UtcDatetimeField
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0006_backups')]

    initial = False

    operations = [
        ops.CreateModel(
            name='AuditActor',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('employee_id', fields.BigIntField(db_index=True)),
                ('salt', fields.CharField(default='', max_length=32)),
                ('digest', fields.CharField(unique=True, max_length=64)),
            ],
            options={'table': 'audit_actors', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.AddField(
            model_name='AuditEntry',
            name='actor_digest',
            field=fields.CharField(null=True, max_length=64),
        ),
    ]
