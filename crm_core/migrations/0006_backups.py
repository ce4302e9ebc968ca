"""Which backups were taken, so that an erasure can name those that still hold a person."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from crm_core.db import UtcDatetimeField
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0005_wecom')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Backup',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('path', fields.CharField(max_length=500)),
                ('taken_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('rows', fields.BigIntField(default=0)),
            ],
            options={'table': 'backups', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
    ]
