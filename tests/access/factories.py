import json

import factory
from django.contrib.auth.models import Group
from django.utils import timezone

from access.models import Policy, PolicyVersion, Role, User


class UserFactory(factory.django.DjangoModelFactory):
    """A user who may use the console, with a password and without any policy."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    class Params:
        administrator = factory.Trait(is_superuser=True, is_staff=True)
        disabled = factory.Trait(is_active=False)
        program = factory.Trait(console_access=False, api_access=True)

    username = factory.Sequence(lambda n: f"user-{n:04d}")
    display_name = factory.Sequence(lambda n: f"User {n}")
    password = factory.django.Password("correct horse battery")


class GroupFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Group

    name = factory.Sequence(lambda n: f"group-{n:03d}")


class RoleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Role

    name = factory.Sequence(lambda n: f"role-{n:03d}")


class PolicyFactory(factory.django.DjangoModelFactory):
    """A custom policy with one statement in its only version: `PolicyFactory(action="ram:*")`."""

    class Meta:
        model = Policy
        exclude = ["effect", "action", "resource"]
        skip_postgeneration_save = True

    effect = "Allow"
    action = "ecs:RunCommand"
    resource = "*"

    name = factory.Sequence(lambda n: f"policy-{n:03d}")
    updated_at = factory.LazyFunction(timezone.now)
    versions = factory.RelatedFactory(
        "tests.access.factories.PolicyVersionFactory",
        factory_related_name="policy",
        effect=factory.SelfAttribute("..effect"),
        action=factory.SelfAttribute("..action"),
        resource=factory.SelfAttribute("..resource"),
    )


class PolicyVersionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PolicyVersion
        exclude = ["effect", "action", "resource"]

    effect = "Allow"
    action = "ecs:RunCommand"
    resource = "*"

    number = 1
    created_by = "olga"
    document = factory.LazyAttribute(
        lambda one: json.dumps(
            {
                "Version": "1",
                "Statement": [{"Effect": one.effect, "Action": one.action, "Resource": one.resource}],
            }
        )
    )
