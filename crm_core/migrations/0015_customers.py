"""Customers in depth: collaborators, own fields, life cycle, value."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from crm_core.db import MoneyField, UtcDatetimeField
from tortoise import fields
from tortoise.indexes import Index


def _stamped(*more):
    return [
        ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
        ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
        ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
        *more,
    ]


def _at(**more):
    return UtcDatetimeField(null=True, auto_now=False, auto_now_add=False, **more)


def _must_at():
    return UtcDatetimeField(auto_now=False, auto_now_add=False)


def _index(name, rest):
    return ops.RunSQL(f"CREATE INDEX {name} ON {rest}", reverse_sql=f"DROP INDEX {name}")


def _customer(name, field):
    return ops.AddField(model_name='Customer', name=name, field=field)


def _contact(name, field):
    return ops.AddField(model_name='Contact', name=name, field=field)


def _table(name, table, *more, **options):
    return ops.CreateModel(
        name=name, fields=_stamped(*more), options={'table': table, 'app': 'models', 'pk_attr': 'id', **options}, bases=['Entity']
    )


class Migration(migrations.Migration):
    dependencies = [('models', '0014_distribution')]

    initial = False

    operations = [
        _customer('deleted_at', _at()),
        _customer('life_cycle', fields.CharField(default='target', db_default='target', max_length=16)),
        _customer('life_cycle_at', _at()),
        _customer('life_cycle_reason', fields.CharField(default='', db_default='', max_length=100)),
        _customer('life_cycle_by_hand', fields.BooleanField(default=False, db_default=False)),
        _customer('life_due_at', _at()),
        _customer('churn_warned_at', _at()),
        _customer('churn_told_at', _at()),
        _customer('next_contact_at', _at()),
        _customer('value_points', fields.IntField(null=True)),
        _customer('value_due_at', _at()),
        _customer('profit_cents', fields.BigIntField(default=0, db_default=0)),
        _contact('deleted_at', _at()),
        _contact('role', fields.CharField(default='', db_default='', max_length=32)),
        _contact('decision_weight', fields.IntField(null=True)),
        _table(
            'Collaborator',
            'collaborators',
            ('customer_id', fields.BigIntField(db_index=True)),
            ('employee_id', fields.BigIntField(db_index=True)),
            ('may_write', fields.BooleanField(default=False)),
            ('granted_by', fields.BigIntField(null=True)),
            unique_together=(('customer_id', 'employee_id'),),
        ),
        _table(
            'OwnFieldValue',
            'field_values',
            ('subject_kind', fields.CharField(max_length=16)),
            ('subject_id', fields.BigIntField()),
            ('name', fields.CharField(max_length=32)),
            ('text', fields.CharField(default='', max_length=200)),
            ('number', fields.DecimalField(null=True, max_digits=18, decimal_places=4)),
            ('on_date', fields.DateField(null=True)),
            unique_together=(('subject_kind', 'subject_id', 'name'),),
            indexes=[
                Index(fields=['subject_kind', 'name', 'text']),
                Index(fields=['subject_kind', 'name', 'number']),
                Index(fields=['subject_kind', 'name', 'on_date']),
            ],
        ),
        _table(
            'LifeCycleChange',
            'life_cycle_changes',
            ('customer_id', fields.BigIntField(db_index=True)),
            ('from_state', fields.CharField(max_length=16)),
            ('to_state', fields.CharField(max_length=16)),
            ('at', _must_at()),
            ('reason', fields.CharField(default='', max_length=100)),
            ('owner_id', fields.BigIntField(null=True)),
            ('employee_id', fields.BigIntField(null=True)),
            indexes=[Index(fields=['at', 'from_state', 'to_state', 'owner_id'])],
        ),
        _table(
            'CustomerValue',
            'customer_values',
            ('customer_id', fields.BigIntField(db_index=True)),
            ('at', _must_at()),
            ('grade', fields.CharField(max_length=8)),
            ('points', fields.IntField()),
            ('profit_points', fields.IntField()),
            ('influence_points', fields.IntField()),
            ('credit_points', fields.IntField()),
            ('loyalty_points', fields.IntField()),
            ('profit_cents', fields.BigIntField()),
            ('inputs', fields.TextField(default='', unique=False)),
        ),
        _table(
            'Purchase',
            'purchases',
            ('customer_id', fields.BigIntField(db_index=True)),
            ('kind', fields.CharField(default='bought', max_length=16)),
            ('product', fields.CharField(max_length=128)),
            ('quantity', fields.CharField(default='', max_length=32)),
            ('amount', MoneyField(null=True)),
            ('cost', MoneyField(null=True)),
            ('at', _must_at()),
            ('employee_id', fields.BigIntField(null=True)),
            ('undone_at', _at()),
        ),
        _table(
            'Rating',
            'ratings',
            ('customer_id', fields.BigIntField(db_index=True)),
            ('employee_id', fields.BigIntField(null=True)),
            ('points', fields.IntField()),
            ('text', fields.CharField(default='', max_length=200)),
            ('at', _must_at()),
            ('recorded_by', fields.BigIntField(null=True)),
            ('undone_at', _at()),
            indexes=[Index(fields=['employee_id', 'at'])],
        ),
        _table(
            'ReadMark',
            'read_marks',
            ('name', fields.CharField(max_length=32, unique=True)),
            ('last_id', fields.BigIntField(default=0)),
        ),
        _index('customers_life_due', 'customers (life_due_at)'),
        _index('customers_value_due', 'customers (value_due_at)'),
        _index('customers_parent', 'customers (parent_id) WHERE parent_id IS NOT NULL'),
        _index('customers_life_cycle', 'customers (life_cycle, owner_id) WHERE merged_into_id IS NULL AND deleted_at IS NULL'),
        _index('customers_churn', 'customers (churn_warned_at) WHERE churn_warned_at IS NOT NULL AND churn_told_at IS NULL'),
        _index('customers_next_contact', 'customers (owner_id, next_contact_at) WHERE next_contact_at IS NOT NULL'),
        _index('customers_profit', 'customers (profit_cents, owner_id) WHERE value_points IS NOT NULL'),
    ]
