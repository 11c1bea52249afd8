from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0001_exports'),
    ]

    operations = [
        migrations.AddField(
            model_name='export',
            name='has_history',
            field=models.BooleanField(default=False, verbose_name='all runs'),
        ),
    ]
