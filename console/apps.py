from django.apps import AppConfig

# Here, and not in the package: the supervisor is in it too and needs no Celery.
from console.celery import app as celery_app

__all__ = ["ConsoleConfig", "celery_app"]


class ConsoleConfig(AppConfig):
    name = "console"
    verbose_name = "Console"
