"""The salesperson's daily work: outings, reports, announcements, documents, knowledge, mails, given todos, read remarks."""

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


def _at():
    return UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)


def _must_at():
    return UtcDatetimeField(auto_now=False, auto_now_add=False)


def _table(name, table, *more, **options):
    return ops.CreateModel(
        name=name, fields=_stamped(*more), options={'table': table, 'app': 'models', 'pk_attr': 'id', **options}, bases=['Entity']
    )


def _subject(kind_default=None):
    kind = fields.CharField(max_length=16) if kind_default is None else fields.CharField(default=kind_default, max_length=16)
    return ('subject_kind', kind), ('subject_id', fields.BigIntField(null=kind_default is not None))


class Migration(migrations.Migration):
    dependencies = [('models', '0018_rollups')]

    initial = False

    operations = [
        _table(
            'FieldVisit',
            'visits',
            ('employee_id', fields.BigIntField()),
            *_subject(''),
            ('customer_id', fields.BigIntField(null=True, db_index=True)),
            ('name', fields.CharField(max_length=128)),
            ('planned_at', _must_at()),
            ('place', fields.CharField(default='', max_length=200)),
            ('purpose', fields.CharField(default='', max_length=500)),
            ('checked_in_at', _at()),
            ('check_in_place', fields.CharField(default='', max_length=200)),
            ('position', fields.CharField(default='', max_length=64)),
            ('follow_up_id', fields.BigIntField(null=True, db_index=True)),
            ('rhythm_days', fields.IntField(default=0)),
            ('cancelled_at', _at()),
            indexes=[
                Index(fields=['employee_id', 'planned_at']),
                Index(fields=['planned_at']),
                Index(fields=['subject_kind', 'subject_id']),
            ],
        ),
        _table(
            'WorkReport',
            'work_reports',
            ('employee_id', fields.BigIntField()),
            ('kind', fields.CharField(max_length=16)),
            ('period_on', fields.DateField()),
            ('text', fields.TextField(unique=False)),
            ('figures', fields.TextField(default='', unique=False)),
            ('submitted_at', _must_at()),
            ('withdrawn_at', _at()),
            unique_together=(('employee_id', 'kind', 'period_on'),),
        ),
        _table(
            'Announcement',
            'announcements',
            ('author_id', fields.BigIntField(null=True)),
            ('kind', fields.CharField(default='notice', max_length=16)),
            ('audience', fields.CharField(max_length=200)),
            ('text', fields.TextField(unique=False)),
            ('key', fields.CharField(null=True, unique=True, max_length=128)),
            ('withdrawn_at', _at()),
        ),
        _table(
            'AnnouncementReceipt',
            'announcement_receipts',
            ('announcement_id', fields.BigIntField()),
            ('employee_id', fields.BigIntField(db_index=True)),
            ('read_at', _at()),
            unique_together=(('announcement_id', 'employee_id'),),
        ),
        _table(
            'Document',
            'documents',
            *_subject(),
            ('name', fields.CharField(max_length=200)),
            ('size_bytes', fields.BigIntField(default=0)),
            ('digest', fields.CharField(default='', max_length=64)),
            ('status', fields.CharField(default='waiting', db_index=True, max_length=16)),
            ('author_id', fields.BigIntField(null=True, db_index=True)),
            ('told_to', fields.CharField(default='', max_length=500)),
            ('media', fields.TextField(default='', unique=False)),
            ('wanted_at', UtcDatetimeField(null=True, db_index=True, auto_now=False, auto_now_add=False)),
            ('removed_at', _at()),
            indexes=[Index(fields=['subject_kind', 'subject_id'])],
        ),
        _table(
            'DocumentPart',
            'document_parts',
            ('document_id', fields.BigIntField()),
            ('number', fields.IntField()),
            ('content_code', fields.TextField(unique=False)),
            unique_together=(('document_id', 'number'),),
        ),
        _table(
            'Article',
            'articles',
            ('title', fields.CharField(max_length=128)),
            ('words', fields.CharField(default='', max_length=200)),
            ('text', fields.TextField(unique=False)),
            ('source', fields.CharField(max_length=200)),
            ('author_id', fields.BigIntField(null=True)),
            ('ended_at', _at()),
        ),
        _table(
            'MailAddress',
            'mail_addresses',
            ('employee_id', fields.BigIntField(db_index=True)),
            ('address', fields.CharField(unique=True, max_length=128)),
        ),
        _table(
            'Mail',
            'mails',
            ('message_digest', fields.CharField(unique=True, max_length=64)),
            *_subject(),
            ('follow_up_id', fields.BigIntField()),
            ('employee_id', fields.BigIntField(null=True)),
            ('size_bytes', fields.BigIntField(default=0)),
            ('attachment_count', fields.IntField(default=0)),
            indexes=[Index(fields=['subject_kind', 'subject_id'])],
        ),
        ops.AddField(model_name='Reminder', name='given_by_id', field=fields.BigIntField(null=True, db_index=True)),
        ops.RunSQL(
            'CREATE INDEX reminders_given ON reminders (given_by_id)', reverse_sql='DROP INDEX reminders_given'
        ),
        ops.AddField(model_name='Reminder', name='accepted_at', field=_at()),
        ops.AddField(model_name='ReviewComment', name='read_at', field=_at()),
        ops.AddField(model_name='ReviewComment', name='withdrawn_at', field=_at()),
    ]
