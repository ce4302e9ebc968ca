"""Scores with their points."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [('models', '0012_imports')]

    initial = False

    operations = []
