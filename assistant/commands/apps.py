from django.apps import AppConfig


class CommandsConfig(AppConfig):
    name = "assistant.commands"
    verbose_name = "Commands"

    def ready(self) -> None:
        from access.operations.quotas import count_with  # noqa: PLC0415 - models are there now
        from access.rules.quotas import COMMANDS  # noqa: PLC0415
        from assistant.commands.models import Command  # noqa: PLC0415

        count_with(COMMANDS, lambda region_id: Command.objects.kept().filter(region=region_id).count())
