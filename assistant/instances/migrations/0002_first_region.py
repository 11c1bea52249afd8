"""The region that every installation begins with."""

from django.db import migrations


def add_region(apps, _schema_editor):
    apps.get_model("instances", "Region").objects.get_or_create(id="local", defaults={"name": "Local", "code": "lo"})


class Migration(migrations.Migration):
    dependencies = [("instances", "0001_initial")]

    # Nothing to take back: the table goes with the migration before.
    operations = [migrations.RunPython(add_region, migrations.RunPython.noop)]
