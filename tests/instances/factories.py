from datetime import timedelta

import factory
from django.utils import timezone

from assistant.instances.models import Activation, Instance, Region
from assistant.instances.operations.activations import code_digest

CODE = "a-lo/secret+code=="


class RegionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Region
        django_get_or_create = ["id"]

    id = "local"
    name = "Local"
    code = "lo"


class ActivationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Activation

    class Params:
        expired = factory.Trait(
            expires_at=factory.LazyFunction(lambda: timezone.now() - timedelta(minutes=1))
        )
        used_up = factory.Trait(instance_count=1, registered_count=1)

    id = factory.Sequence(lambda n: f"00000000-0000-4000-8000-{n:012d}")
    region = factory.SubFactory(RegionFactory)
    code_digest = code_digest(CODE)
    instance_name = "web"
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=4))
    created_by = "olga"


class InstanceFactory(factory.django.DjangoModelFactory):
    """A registered Linux server whose agent is connected."""

    class Meta:
        model = Instance

    class Params:
        offline = factory.Trait(
            last_seen_at=factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1)), channel=""
        )
        never_seen = factory.Trait(last_seen_at=None, channel="")
        windows = factory.Trait(
            os_type="windows", os_version="Windows Server 2019", default_username="system"
        )
        unprivileged = factory.Trait(is_privileged=False, default_username="deploy")
        own_agent = factory.Trait(agent_name="ca-agent", agent_version="1.1.0")

    id = factory.Sequence(lambda n: f"mi-lo{n:013d}")
    region = factory.SubFactory(RegionFactory)
    activation = factory.SubFactory(ActivationFactory)
    name = factory.Sequence(lambda n: f"web-{n:03d}")
    hostname = factory.Sequence(lambda n: f"web-{n:03d}.example")
    intranet_ip = "10.0.0.1"
    os_type = "linux"
    os_version = "Debian GNU/Linux 12 (bookworm)"
    machine_id = factory.Sequence(lambda n: f"machine-{n}")
    agent_version = "2.2.3.578"
    default_username = "root"
    public_key = "-"
    last_seen_at = factory.LazyFunction(timezone.now)
    channel = "channel"
