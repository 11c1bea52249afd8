from django.apps import AppConfig


class OpenapiConfig(AppConfig):
    name = "openapi"
    default_auto_field = "django.db.models.BigAutoField"
