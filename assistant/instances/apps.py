from django.apps import AppConfig


class InstancesConfig(AppConfig):
    name = "assistant.instances"
    verbose_name = "Instances"

    def ready(self) -> None:
        from access.operations.resource_facts import SOURCES  # noqa: PLC0415 - models are there now
        from assistant.instances.operations.facts import instance_facts  # noqa: PLC0415

        SOURCES["ecs", "instance"] = instance_facts
        self.tell_quotas()

    def tell_quotas(self) -> None:
        from django.utils import timezone  # noqa: PLC0415

        from access.operations.quotas import count_with, take_regions_from  # noqa: PLC0415
        from access.rules.quotas import ACTIVATIONS, INSTANCES  # noqa: PLC0415
        from assistant.instances.models import Activation, Instance, Region  # noqa: PLC0415

        registered, usable = Instance.objects.registered, Activation.objects.usable
        take_regions_from(lambda principal: Region.objects.visible_to(principal).values_list("pk", "name"))
        count_with(INSTANCES, lambda region_id: registered().filter(region=region_id).count())
        count_with(ACTIVATIONS, lambda region_id: usable(timezone.now()).filter(region=region_id).count())
