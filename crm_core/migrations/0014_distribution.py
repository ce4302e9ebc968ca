"""Which unit and which employee gets a lead; pools."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [('models', '0013_scoring')]

    initial = False

    operations = []
