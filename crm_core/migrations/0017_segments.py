"""Tag rules and how far they have run; indexes that answer a segment without reading the tables."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from crm_core.db import UtcDatetimeField
from tortoise import fields


def _index(name, rest):
    return ops.RunSQL(f'CREATE INDEX {name} ON {rest}', reverse_sql=f'DROP INDEX {name}')


class Migration(migrations.Migration):
    dependencies = [('models', '0016_opportunities')]

    initial = False

    operations = [
        ops.CreateModel(
            name='TagRuleRun',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('name', fields.CharField(max_length=64, unique=True)),
                ('digest', fields.CharField(default='', max_length=64)),
                ('whole_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('changed_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('message_id', fields.BigIntField(default=0)),
                ('set_count', fields.IntField(default=0)),
                ('taken_count', fields.IntField(default=0)),
            ],
            options={'table': 'tag_rule_runs', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        # What segments ask most, beside the person: whole tables are never read for a count.
        _index(
            'leads_selected',
            'leads (person_id, owner_id, department_id, region, source, grade, score, amount, last_follow_up_at, created_at)'
            " WHERE status IN ('new', 'following')",
        ),
        _index(
            'contacts_selected',
            'contacts (person_id, customer_id, owner_id, score, last_follow_up_at, created_at)'
            ' WHERE merged_into_id IS NULL AND deleted_at IS NULL',
        ),
        _index('customers_selected', 'customers (grade, value_grade, status, region, industry)'),
        _index(
            'accounts_reachable',
            "accounts (channel, person_id) WHERE person_kind = 'customer' AND opted_out_at IS NULL AND unfollowed_at IS NULL",
        ),
        _index('messages_events', "messages (at, account_id) WHERE kind = 'event'"),
        # From a contact or customer back to the leads they came from.
        _index('leads_of_contacts', 'leads (contact_id) WHERE contact_id IS NOT NULL'),
        _index('leads_of_customers', 'leads (customer_id) WHERE customer_id IS NOT NULL'),
        # Whose tags are to be set anew: what changed of late.
        *(_index(f'{table}_changed', f'{table} (updated_at)') for table in ('leads', 'contacts', 'customers')),
    ]
