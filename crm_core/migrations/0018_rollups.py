"""Counts kept as rows are written."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [('models', '0017_segments')]

    initial = False

    operations = []
