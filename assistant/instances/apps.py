from django.apps import AppConfig


class InstancesConfig(AppConfig):
    name = "assistant.instances"
    verbose_name = "Instances"
