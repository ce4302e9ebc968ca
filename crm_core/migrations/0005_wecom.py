"""What WeCom needs besides messages: who has which contact, codes, what each member was sent of late, group-send tasks."""

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
    dependencies = [('models', '0004_official_account')]

    initial = False

    operations = [
        ops.CreateModel(
            name='SendMark',
            fields=_stamped(
                ('channel', fields.CharField(max_length=64)),
                ('external_id', fields.CharField(max_length=128)),
                ('key', fields.CharField(max_length=300)),
                ('digest', fields.CharField(max_length=64)),
                ('at', UtcDatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ('reserved', fields.IntField(default=0)),
            ),
            options={'table': 'send_marks', 'app': 'models', 'indexes': [Index(fields=['channel', 'external_id', 'at'])], 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.RunSQL(
            "CREATE INDEX send_marks_reserved ON send_marks (channel, key) WHERE reserved = 1",
            reverse_sql="DROP INDEX send_marks_reserved",
        ),
        ops.CreateModel(
            name='ContactFollow',
            fields=_stamped(
                ('channel', fields.CharField(max_length=64)),
                ('external_id', fields.CharField(max_length=128)),
                ('staff_id', fields.CharField(max_length=128)),
                ('followed_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('unfollowed_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('checked_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('remark', fields.CharField(default='', max_length=128)),
                ('tag_ids', fields.TextField(default='[]', unique=False)),
            ),
            options={'table': 'contact_follows', 'app': 'models', 'unique_together': (('channel', 'external_id', 'staff_id'),), 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.RunSQL(
            "CREATE INDEX contact_follows_unchecked ON contact_follows (channel, updated_at) WHERE checked_at IS NULL",
            reverse_sql="DROP INDEX contact_follows_unchecked",
        ),
        ops.CreateModel(
            name='ContactWay',
            fields=_stamped(
                ('channel', fields.CharField(max_length=64)),
                ('config_id', fields.CharField(max_length=128)),
                ('state', fields.CharField(max_length=32)),
                ('staff_ids', fields.TextField(default='', unique=False)),
                ('qr_code', fields.CharField(default='', max_length=512)),
                ('removed_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ),
            options={'table': 'contact_ways', 'app': 'models', 'unique_together': (('channel', 'config_id'),), 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.CreateModel(
            name='GroupSend',
            fields=_stamped(
                ('channel', fields.CharField(max_length=64)),
                ('broadcast_id', fields.BigIntField(null=True, db_index=True)),
                ('sender', fields.CharField(max_length=128)),
                ('external_id', fields.CharField(max_length=128)),
                ('recipient_count', fields.IntField(default=0)),
                ('confirmed_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('closed_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('next_check_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('reminded_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ),
            options={'table': 'group_sends', 'app': 'models', 'unique_together': (('channel', 'external_id'),), 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.RunSQL(
            "CREATE INDEX group_sends_open ON group_sends (channel, next_check_at) WHERE closed_at IS NULL",
            reverse_sql="DROP INDEX group_sends_open",
        ),
        ops.RunSQL(
            "CREATE INDEX recipients_handed_over ON recipients (external_id, account_id) WHERE status = 'handed_over'",
            reverse_sql="DROP INDEX recipients_handed_over",
        ),
    ]
