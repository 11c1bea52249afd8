from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib import admin
from django.db.models.signals import post_migrate


class AccessConfig(AppConfig):
    name = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        from access import receivers  # noqa: F401, PLC0415 - connects itself
        from access.operations.system_policies import ship_policies  # noqa: PLC0415

        # After a migration, and after tests have emptied the tables.
        post_migrate.connect(ship_policies, sender=self)
        if settings.SINGLE_SIGN_ON:
            hide_allauth()


def hide_allauth() -> None:
    """Take allauth's tables off the admin site: nothing here reads or writes them."""
    for label in ("account", "socialaccount"):
        for model in apps.get_app_config(label).get_models():
            if admin.site.is_registered(model):
                admin.site.unregister(model)
