"""Imports, their rows, and what waits in quarantine."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [('models', '0011_identity')]

    initial = False

    operations = []
