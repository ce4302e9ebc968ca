"""Changes that can be taken back as one, and what the depth of leads and customers hangs on."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from crm_core.db import UtcDatetimeField
from tortoise import fields
from tortoise.indexes import Index


def _stamped(*more):
    return [
        ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
        ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
        ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
        *more,
    ]


class Migration(migrations.Migration):
    dependencies = [('models', '0008_audit_indexes')]

    initial = False

    operations = [
        ops.CreateModel(
            name='ChangeSet',
            fields=_stamped(
                ('kind', fields.CharField(max_length=32)),
                ('summary', fields.CharField(default='', max_length=200)),
                ('actor', fields.CharField(max_length=64)),
                ('employee_id', fields.BigIntField(null=True, db_index=True)),
                ('undone_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('undone_count', fields.IntField(default=0)),
                ('left_count', fields.IntField(default=0)),
            ),
            options={'table': 'change_sets', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.CreateModel(
            name='ChangedRow',
            fields=_stamped(
                ('set_id', fields.BigIntField(db_index=True)),
                ('table_name', fields.CharField(max_length=64)),
                ('row_id', fields.BigIntField()),
                ('person_id', fields.BigIntField(null=True, db_index=True)),
                ('before', fields.TextField(null=True, unique=False)),
                ('after', fields.TextField(null=True, unique=False)),
            ),
            options={'table': 'changed_rows', 'app': 'models', 'indexes': [Index(fields=['table_name', 'row_id'])], 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.AddField(model_name='Lead', name='department_id', field=fields.BigIntField(null=True, db_index=True)),
        ops.AddField(model_name='Lead', name='merged_into_id', field=fields.BigIntField(null=True, db_index=True)),
        ops.AddField(model_name='Contact', name='merged_into_id', field=fields.BigIntField(null=True, db_index=True)),
        ops.AddField(model_name='Customer', name='merged_into_id', field=fields.BigIntField(null=True, db_index=True)),
        ops.AddField(model_name='Customer', name='department_id', field=fields.BigIntField(null=True, db_index=True)),
    ]
