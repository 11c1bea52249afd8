from django.db import migrations, models


class Migration(migrations.Migration):
    """Indexes of what is open by its end: SQLite uses none whose condition lists states.

    For each of them all results or records are read: some two seconds for a million results.
    """

    dependencies = [("invocations", "0009_guard_of_programs")]

    operations = [
        migrations.AddIndex(
            "target",
            models.Index(
                fields=["instance"], name="target_open", condition=models.Q(("finished_at__isnull", True))
            ),
        ),
        migrations.AddIndex(
            "target",
            models.Index(fields=["id"], name="target_scheduled", condition=models.Q(("status", "Scheduled"))),
        ),
        migrations.AddIndex(
            "target",
            models.Index(fields=["id"], name="target_held_back", condition=models.Q(("held_for__gt", ""))),
        ),
        migrations.AddIndex(
            "record",
            models.Index(
                fields=["target"], name="record_open", condition=models.Q(("finished_at__isnull", True))
            ),
        ),
        migrations.RemoveIndex("target", "target_instance_open"),
        migrations.RemoveIndex("target", "target_held_for"),
    ]
