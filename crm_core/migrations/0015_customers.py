"""Customers in depth: collaborators, own fields, life cycle, value."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [('models', '0014_distribution')]

    initial = False

    operations = []
