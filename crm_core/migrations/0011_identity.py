"""Who is the same person or company, and what a merge did."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [('models', '0010_change_sets')]

    initial = False

    operations = []
