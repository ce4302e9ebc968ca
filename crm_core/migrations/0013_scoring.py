"""Scores with their points."""

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


def _text(name, size):
    return (name, fields.CharField(default='', max_length=size))


def _graded(model):
    for name in ('score_grade', 'hand_grade'):
        yield ops.AddField(model_name=model, name=name, field=fields.CharField(default='', db_default='', max_length=8))
    yield ops.AddField(model_name=model, name='score_due_day', field=fields.IntField(null=True))


def _index(name, rest):
    return ops.RunSQL(f'CREATE INDEX {name} ON {rest}', reverse_sql=f'DROP INDEX {name}')


class Migration(migrations.Migration):
    dependencies = [('models', '0012_imports')]

    initial = False

    operations = [
        *_graded('Lead'),
        ops.AddField(model_name='Contact', name='score', field=fields.IntField(default=0, db_default=0)),
        ops.AddField(model_name='Contact', name='grade', field=fields.CharField(default='', db_default='', max_length=8)),
        *_graded('Contact'),
        ops.CreateModel(
            name='ScoreFacts',
            fields=_stamped(
                ('person_id', fields.BigIntField(unique=True)),
                ('days', fields.TextField(default='', unique=False)),
            ),
            options={'table': 'score_facts', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.CreateModel(
            name='ScoreRun',
            fields=_stamped(
                ('name', fields.CharField(max_length=16, unique=True)),
                _text('digest', 64),
                _text('facts_digest', 64),
                ('last_id', fields.BigIntField(default=0)),
                ('changed_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('started_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('ended_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('done_count', fields.BigIntField(default=0)),
                ('total_count', fields.BigIntField(default=0)),
            ),
            options={'table': 'score_runs', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        # Grades that stand already were set by hand.
        ops.RunSQL("UPDATE leads SET hand_grade = grade WHERE grade <> ''", reverse_sql="UPDATE leads SET hand_grade = ''"),
        _index('leads_score', 'leads (score)'),
        _index('leads_score_due', 'leads (score_due_day) WHERE score_due_day IS NOT NULL'),
        _index('contacts_score_due', 'contacts (score_due_day) WHERE score_due_day IS NOT NULL'),
    ]
