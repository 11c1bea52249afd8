from django.db import migrations

NOTE_ALL = """
    INSERT INTO invocations_unindexedoutput (target_id, number)
    SELECT id, 0 FROM invocations_target WHERE finished_at IS NOT NULL AND stored_bytes > 0 ORDER BY id
"""


class Migration(migrations.Migration):
    """Have all outputs read that are there already."""

    dependencies = [("invocations", "0004_search")]

    # Notes that are left behind do no harm: what they name is read once more.
    operations = [migrations.RunSQL(NOTE_ALL, migrations.RunSQL.noop)]
