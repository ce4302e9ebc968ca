"""Opportunities, their stages, sales targets."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [('models', '0015_customers')]

    initial = False

    operations = []
