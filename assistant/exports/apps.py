from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "assistant.exports"
    verbose_name = "Exports"

    def ready(self) -> None:
        from assistant.exports import receivers  # noqa: F401, PLC0415 - connects itself
