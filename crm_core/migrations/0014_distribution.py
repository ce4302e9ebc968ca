"""Which unit and which employee gets a lead; pools."""

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


def _text(name, size):
    return (name, fields.CharField(default='', max_length=size))


def _instant(name):
    return (name, UtcDatetimeField(null=True, auto_now=False, auto_now_add=False))


def _number(name, *, null=True, index=False):
    return (name, fields.BigIntField(null=null, db_index=index))


TOUCHED = (
    'CASE WHEN last_follow_up_at > coalesce(claimed_at, created_at) THEN last_follow_up_at'
    ' ELSE coalesce(claimed_at, created_at) END'
)


def _index(name, table, columns, where):
    return ops.RunSQL(f'CREATE INDEX {name} ON {table} ({columns}) WHERE {where}', reverse_sql=f'DROP INDEX {name}')


def _table(name, table, *columns, **options):
    return ops.CreateModel(
        name=name, fields=_stamped(*columns), options={'table': table, 'app': 'models', **options, 'pk_attr': 'id'}, bases=['Entity']
    )


class Migration(migrations.Migration):
    dependencies = [('models', '0013_scoring')]

    initial = False

    operations = [
        ops.AddField(model_name='Lead', name='chained_at', field=UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
        ops.AddField(model_name='Lead', name='is_news', field=fields.BooleanField(default=False, db_default=False)),
        ops.AddField(model_name='Lead', name='collected_by_department_id', field=fields.BigIntField(null=True)),
        ops.AddField(model_name='Lead', name='collected_by_id', field=fields.BigIntField(null=True)),
        ops.AddField(model_name='Lead', name='contract_ends_on', field=fields.DateField(null=True, auto_now=False, auto_now_add=False)),
        ops.AddField(model_name='Department', name='kind', field=fields.CharField(default='department', db_default='department', max_length=16)),
        ops.AddField(model_name='Department', name='closed_at', field=UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
        # What is there already has found its place; only what comes from now on goes through the chain.
        ops.RunSQL('UPDATE leads SET chained_at = updated_at WHERE chained_at IS NULL', reverse_sql='UPDATE leads SET chained_at = NULL'),
        _index('leads_unchained', 'leads', 'id', 'chained_at IS NULL'),
        _index('leads_in_pool', 'leads', 'id', "owner_id IS NULL AND status IN ('new', 'following')"),
        _index('leads_untouched', 'leads', f'({TOUCHED}), id', "owner_id IS NOT NULL AND status IN ('new', 'following')"),
        _table(
            'AssignmentProfile',
            'assignment_profiles',
            ('employee_id', fields.BigIntField(unique=True)),
            _text('regions', 200),
            _text('skills', 200),
            ('capacity', fields.IntField(default=0)),
            _text('work_hours', 16),
            _text('work_days', 8),
            _instant('away_from'),
            _instant('away_until'),
            ('turn', fields.BigIntField(default=0)),
        ),
        _table(
            'Distribution',
            'distributions',
            _number('lead_id', null=False, index=True),
            _number('person_id', index=True),
            _number('department_id'),
            _text('reason', 200),
            _text('actor', 64),
        ),
        _table(
            'Offer',
            'offers',
            _number('lead_id', null=False, index=True),
            _number('person_id', index=True),
            _number('employee_id', null=False, index=True),
            _number('department_id'),
            _text('reason', 200),
            ('status', fields.CharField(default='open', max_length=16)),
            _instant('expires_at'),
            _instant('answered_at'),
            _text('answer', 200),
        ),
        _index('offers_open', 'offers', 'expires_at', "status = 'open'"),
        _index('offers_open_of', 'offers', 'employee_id', "status = 'open'"),
        _table(
            'LeadException',
            'lead_exceptions',
            _number('lead_id', null=False, index=True),
            _number('person_id', index=True),
            _number('department_id'),
            _text('reason', 200),
            ('status', fields.CharField(default='open', max_length=16)),
            _instant('ended_at'),
        ),
        _index('lead_exceptions_open', 'lead_exceptions', 'id', "status IN ('open', 'waiting')"),
        _index('lead_exceptions_waiting', 'lead_exceptions', 'id', "status = 'waiting'"),
        _table(
            'PoolClaim',
            'pool_claims',
            _number('lead_id', null=False),
            _number('person_id', index=True),
            _number('employee_id', null=False),
            _text('pool', 32),
            _instant('ended_at'),
            indexes=[Index(fields=['lead_id', 'employee_id']), Index(fields=['employee_id', 'created_at'])],
        ),
        _table(
            'PoolView',
            'pool_views',
            _number('employee_id', null=False),
            ('day', fields.DateField(auto_now=False, auto_now_add=False)),
            ('shown_count', fields.IntField(default=0)),
            unique_together=(('employee_id', 'day'),),
        ),
        _table(
            'SalesScript',
            'sales_scripts',
            ('title', fields.CharField(max_length=64)),
            _text('words', 200),
            _text('stage', 32),
            ('text', fields.TextField(unique=False)),
            _number('author_id'),
            _instant('ended_at'),
        ),
    ]
