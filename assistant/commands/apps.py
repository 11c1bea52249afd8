from django.apps import AppConfig


class CommandsConfig(AppConfig):
    name = "assistant.commands"
    verbose_name = "Commands"
