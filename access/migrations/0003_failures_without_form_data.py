from django.db import migrations


def forget_form_data(apps, _schema_editor):
    """What was typed in vain on other forms than the sign-in may hold passwords."""
    apps.get_model("axes", "AccessAttempt").objects.update(post_data="")


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0002_access"),
        ("axes", "0010_accessattemptexpiration"),
    ]

    operations = [migrations.RunPython(forget_form_data, migrations.RunPython.noop)]
