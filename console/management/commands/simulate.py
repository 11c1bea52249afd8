from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _

from access.models import Role, User
from access.operations.decisions import EVERYTHING
from access.operations.simulations import Simulation, simulate
from access.principals import Principal
from console.kit.errors import InvalidParameter, NotFound
from console.management.doors import DoorCommand
from console.management.policies import decided


class Command(DoorCommand):
    help = "Say whether somebody may do something, which statement decides, and what is missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", default="", metavar="NAME", help="who would do it")
        parser.add_argument("--role", default="", metavar="NAME", help="the role in which somebody would")
        parser.add_argument("--action", default="", help="as policies name it: ecs:RunCommand")
        parser.add_argument(
            "--resource",
            action="append",
            default=[],
            metavar="ARN",
            help="may be repeated; all have to be allowed",
        )
        parser.add_argument(
            "--context",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="what the request carries; may be repeated",
        )

    def act(self, principal: Principal, *, as_json: bool, **options: Any) -> None:
        if options["user"] and options["role"]:
            raise InvalidParameter(_("Name a user or a role, not both."))
        simulation = simulate(
            principal,
            user=user_named(principal, options["user"]) if options["user"] else None,
            role=role_named(principal, options["role"]) if options["role"] else None,
            action=options["action"],
            resources=options["resource"] or [EVERYTHING],
            context=dict(map(pair, options["context"])),
        )
        self.show(decided(simulation), lambda: lines_of(simulation), as_json=as_json)


def user_named(principal: Principal, name: str) -> User:
    people = User.objects.visible_to(principal) | User.objects.filter(pk=principal.user_id or 0)
    user = people.filter(username=name).first()
    if user is None:
        raise NotFound(_("There is no user %(name)s, or none that you may see.") % {"name": name})
    return user


def role_named(principal: Principal, name: str) -> Role:
    role = Role.objects.visible_to(principal).filter(name=name).first()
    if role is None:
        raise NotFound(_("There is no role %(name)s, or none that you may see.") % {"name": name})
    return role


def pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InvalidParameter(_("Say KEY=VALUE, not %(text)s.") % {"text": text[:64]})
    return key, value


def lines_of(simulation: Simulation) -> list[str]:
    lines = [f"{simulation.decision}: {simulation.reason}"]
    if len(simulation.answers) > 1:
        lines += [f"  {'allow' if one.is_allowed else 'deny'}  {one.resource}" for one in simulation.answers]
    return lines + [f"  {text}" for text in simulation.missing[1:]]
