"""Who is the same person or company, and what a merge did."""

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


def _indexes(*wanted):
    # In one step: each step of a migration costs a copy of the whole state.
    return ops.RunSQL(
        [f'CREATE INDEX {name} ON {table} ({columns}) WHERE {where}' for name, table, columns, where in wanted],
        reverse_sql=[f'DROP INDEX {name}' for name, *_ in wanted],
    )


class Migration(migrations.Migration):
    dependencies = [('models', '0010_change_sets')]

    initial = False

    operations = [
        ops.AddField(model_name='Lead', name='name_key', field=fields.CharField(null=True, max_length=96)),
        ops.AddField(model_name='Lead', name='company_key', field=fields.CharField(null=True, max_length=96)),
        ops.AddField(model_name='Lead', name='campaign', field=fields.CharField(default='', db_default='', max_length=64)),
        ops.AddField(model_name='Lead', name='qualification', field=fields.CharField(default='lead', db_default='lead', max_length=16)),
        ops.AddField(model_name='Contact', name='name_key', field=fields.CharField(null=True, max_length=96)),
        ops.AddField(model_name='Customer', name='name_key', field=fields.CharField(null=True, max_length=96)),
        ops.AddField(model_name='Customer', name='credit_code', field=fields.CharField(null=True, max_length=18)),
        _indexes(
            # A field added to a table gets no index by itself, whatever it declares.
            *((f'{table}_merged', table, 'merged_into_id', 'merged_into_id IS NOT NULL') for table in ('leads', 'contacts', 'customers')),
            *((f'{table}_department', table, 'department_id', 'department_id IS NOT NULL') for table in ('leads', 'customers')),
            # A key is not there yet (rows older than this, and those made or renamed in plain SQL): a job writes it.
            ('leads_unkeyed', 'leads', 'id', 'name_key IS NULL'),
            ('contacts_unkeyed', 'contacts', 'id', 'name_key IS NULL'),
            ('customers_unkeyed', 'customers', 'id', 'name_key IS NULL'),
            ('leads_by_name', 'leads', 'name_key, company_key', "name_key <> ''"),
            ('leads_by_place', 'leads', 'name_key, region', "name_key <> ''"),
            ('leads_by_company', 'leads', 'company_key', "company_key <> ''"),
            ('contacts_by_name', 'contacts', 'name_key', "name_key <> ''"),
            ('customers_by_name', 'customers', 'name_key', "name_key <> ''"),
            ('customers_by_credit_code', 'customers', 'credit_code', 'credit_code IS NOT NULL'),
            *(
                (f'{table}_by_{column}', table, f'lower({column})', f'{column} IS NOT NULL')
                for table in ('leads', 'contacts')
                for column in ('email', 'wechat_id')
            ),
            *((f'{table}_by_landline', table, 'landline', 'landline IS NOT NULL') for table in ('leads', 'contacts')),
            ('accounts_of_customers', 'accounts', 'external_id', "person_kind = 'customer'"),
            ('followers_by_unionid', 'followers', 'unionid', "unionid <> ''"),
        ),
        ops.CreateModel(
            name='MatchRule',
            fields=_stamped(
                ('name', fields.CharField(max_length=64)),
                ('kind', fields.CharField(max_length=16)),
                ('all_of', fields.CharField(max_length=200)),
                ('same_source', fields.BooleanField(default=False)),
                ('same_campaign', fields.BooleanField(default=False)),
                ('within_days', fields.IntField(default=0)),
                ('action', fields.CharField(max_length=16)),
                ('weight', fields.IntField(default=0)),
                ('author_id', fields.BigIntField(null=True)),
                ('ended_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ),
            options={'table': 'match_rules', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.CreateModel(
            name='CleaningCase',
            fields=_stamped(
                ('subject_kind', fields.CharField(max_length=16)),
                ('subject_id', fields.BigIntField()),
                ('other_kind', fields.CharField(max_length=16)),
                ('other_id', fields.BigIntField()),
                ('person_id', fields.BigIntField(null=True, db_index=True)),
                ('reason', fields.CharField(max_length=16)),
                ('score', fields.IntField(default=0)),
                ('reasons', fields.TextField(default='', unique=False)),
                ('status', fields.CharField(default='open', max_length=16)),
                ('owner_id', fields.BigIntField(null=True, db_index=True)),
                ('answered_by_id', fields.BigIntField(null=True)),
                ('answered_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('set_id', fields.BigIntField(null=True)),
            ),
            options={
                'table': 'cleaning_cases',
                'app': 'models',
                'unique_together': (('subject_kind', 'subject_id', 'other_kind', 'other_id', 'reason'),),
                'indexes': [Index(fields=['status', 'score']), Index(fields=['other_kind', 'other_id'])],
                'pk_attr': 'id',
            },
            bases=['Entity'],
        ),
        ops.CreateModel(
            name='FieldChange',
            fields=_stamped(
                ('subject_kind', fields.CharField(max_length=16)),
                ('subject_id', fields.BigIntField()),
                ('person_id', fields.BigIntField(null=True, db_index=True)),
                ('name', fields.CharField(max_length=32)),
                ('old', fields.TextField(default='', unique=False)),
                ('new', fields.TextField(default='', unique=False)),
                ('status', fields.CharField(max_length=16)),
                ('set_id', fields.BigIntField(null=True, db_index=True)),
            ),
            options={
                'table': 'field_changes',
                'app': 'models',
                'indexes': [Index(fields=['subject_kind', 'subject_id'])],
                'pk_attr': 'id',
            },
            bases=['Entity'],
        ),
    ]
