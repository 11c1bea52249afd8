from django.apps import AppConfig


class OpenapiConfig(AppConfig):
    name = "openapi"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from access.operations.secrets import keep_sealed  # noqa: PLC0415 - models are there only now
        from openapi import receivers  # noqa: F401, PLC0415
        from openapi.models import IdempotentCall, Webhook  # noqa: PLC0415

        keep_sealed(Webhook, "sealed_secret")
        keep_sealed(IdempotentCall, "sealed_answer")
