"""Tags by rule and by hand, groups, richer segments."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [('models', '0016_opportunities')]

    initial = False

    operations = []
