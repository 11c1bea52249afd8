from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "assistant.exports"
    verbose_name = "Exports"
