"""What an Official Account needs besides messages: followers, codes, rights to notices, mass sends and their reports."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from crm_core.db import UtcDatetimeField
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0003_audit')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Follower',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('account_id', fields.BigIntField(unique=True)),
                ('unionid', fields.CharField(default='', max_length=64)),
                ('subscribed_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('remark', fields.CharField(default='', max_length=64)),
                ('tag_ids', fields.TextField(default='[]', unique=False)),
                ('subscribe_scene', fields.CharField(default='', max_length=64)),
                ('qr_scene', fields.CharField(default='', max_length=128)),
                ('language', fields.CharField(default='', max_length=16)),
                ('seen_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'followers', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.CreateModel(
            name='PlatformSync',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('name', fields.CharField(unique=True, max_length=96)),
                ('cursor', fields.CharField(default='', max_length=128)),
                ('started_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('finished_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('seen_count', fields.IntField(default=0)),
                ('held_until', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'platform_syncs', 'app': 'models', 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.CreateModel(
            name='TrackingCode',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('channel', fields.CharField(max_length=64)),
                ('scene', fields.CharField(max_length=64)),
                ('permanent', fields.BooleanField(default=True)),
                ('status', fields.CharField(default='wanted', max_length=16)),
                ('ticket', fields.CharField(default='', max_length=255)),
                ('url', fields.CharField(default='', max_length=255)),
                ('expires_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('attempts', fields.IntField(default=0)),
                ('not_before', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('reason', fields.CharField(default='', max_length=100)),
                ('asked_channel', fields.CharField(default='', max_length=64)),
                ('asked_account', fields.CharField(default='', max_length=128)),
                ('author_id', fields.BigIntField(null=True)),
            ],
            options={'table': 'tracking_codes', 'app': 'models', 'unique_together': (('channel', 'scene', 'permanent'),), 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.CreateModel(
            name='NoticeRight',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('account_id', fields.BigIntField()),
                ('template_id', fields.CharField(max_length=64)),
                ('left_count', fields.IntField(default=0)),
                ('accepted_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('refused_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'notice_rights', 'app': 'models', 'unique_together': (('account_id', 'template_id'),), 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.CreateModel(
            name='MassSend',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('broadcast_id', fields.BigIntField()),
                ('number', fields.IntField()),
                ('channel', fields.CharField(max_length=64)),
                ('key', fields.CharField(unique=True, max_length=64)),
                ('text', fields.TextField(unique=False)),
                ('status', fields.CharField(max_length=16)),
                ('attempts', fields.IntField(default=0)),
                ('not_before', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('lease_until', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('claimed_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('in_doubt_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('external_id', fields.CharField(null=True, max_length=64)),
                ('reason', fields.CharField(null=True, max_length=64)),
                ('raw_status', fields.CharField(default='', max_length=64)),
                ('total_count', fields.IntField(null=True)),
                ('filtered_count', fields.IntField(null=True)),
                ('sent_count', fields.IntField(null=True)),
                ('error_count', fields.IntField(null=True)),
            ],
            options={'table': 'mass_sends', 'app': 'models', 'unique_together': (('broadcast_id', 'number'),), 'indexes': [Index(fields=['channel', 'external_id'])], 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.CreateModel(
            name='PlatformResult',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('updated_at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('channel', fields.CharField(max_length=64)),
                ('kind', fields.CharField(max_length=16)),
                ('external_id', fields.CharField(max_length=64)),
                ('account_id', fields.BigIntField(null=True)),
                ('raw_status', fields.CharField(default='', max_length=64)),
                ('total_count', fields.IntField(default=0)),
                ('filtered_count', fields.IntField(default=0)),
                ('sent_count', fields.IntField(default=0)),
                ('error_count', fields.IntField(default=0)),
                ('at', UtcDatetimeField(auto_now=False, auto_now_add=False)),
                ('applied_at', UtcDatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'platform_results', 'app': 'models', 'unique_together': (('channel', 'kind', 'external_id'),), 'pk_attr': 'id'},
            bases=['Entity'],
        ),
        ops.AddField(
            model_name='Recipient',
            name='mass_id',
            field=fields.BigIntField(null=True),
        ),
        ops.RunSQL(
            "CREATE INDEX recipients_massed ON recipients (mass_id) WHERE mass_id IS NOT NULL",
            reverse_sql="DROP INDEX recipients_massed",
        ),
        ops.RunSQL(
            "CREATE INDEX platform_results_waiting ON platform_results (id) WHERE applied_at IS NULL",
            reverse_sql="DROP INDEX platform_results_waiting",
        ),
        ops.RunSQL(
            "CREATE INDEX tracking_codes_wanted ON tracking_codes (channel, id) WHERE status = 'wanted'",
            reverse_sql="DROP INDEX tracking_codes_wanted",
        ),
    ]
