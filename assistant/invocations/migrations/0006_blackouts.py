import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("instances", "0004_clocks"),
        ("invocations", "0005_search_past"),
    ]

    operations = [
        migrations.AddField(
            model_name="target",
            name="held_for",
            field=models.CharField(
                blank=True,
                choices=[("Blackout", "Blackout window"), ("Quota", "Quota of runs used up")],
                max_length=10,
                verbose_name="held for",
                default="",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="target",
            name="left_out",
            field=models.PositiveIntegerField(default=0, verbose_name="runs left out"),
        ),
        migrations.AddIndex(
            model_name="target",
            index=models.Index(
                condition=models.Q(("held_for", ""), _negated=True), fields=["held_for"], name="target_held_for"
            ),
        ),
        migrations.CreateModel(
            name="Blackout",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
                ("tag_key", models.CharField(blank=True, max_length=64, verbose_name="tag")),
                ("tag_value", models.CharField(blank=True, max_length=128, verbose_name="value of the tag")),
                ("weekdays", models.CharField(blank=True, max_length=7, verbose_name="days")),
                ("opens", models.TimeField(blank=True, null=True, verbose_name="from")),
                ("closes", models.TimeField(blank=True, null=True, verbose_name="to")),
                ("zone", models.CharField(default="UTC", max_length=64, verbose_name="time zone")),
                ("starts_at", models.DateTimeField(blank=True, null=True, verbose_name="begins")),
                ("ends_at", models.DateTimeField(blank=True, null=True, verbose_name="ends")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                ("created_by", models.CharField(max_length=150, verbose_name="created by")),
                (
                    "region",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="blackouts",
                        to="instances.region",
                        verbose_name="region",
                    ),
                ),
            ],
            options={
                "verbose_name": "blackout window",
                "verbose_name_plural": "blackout windows",
                "ordering": ["reason", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at__gt", models.F("starts_at")),
                            ("starts_at__isnull", False),
                            ("weekdays", ""),
                        )
                        | models.Q(
                            models.Q(("weekdays", ""), _negated=True),
                            ("closes__isnull", False),
                            ("opens__isnull", False),
                        ),
                        name="blackout_has_times",
                    )
                ],
            },
        ),
    ]
