from django.apps import AppConfig


class InvocationsConfig(AppConfig):
    name = "assistant.invocations"
    verbose_name = "Invocations"

    def ready(self) -> None:
        from assistant.invocations import receivers  # noqa: F401, PLC0415 - connects itself
