"""The people's door: may somebody do this, and why not?"""

from typing import Any

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from access.forms.simulator import SimulatorForm
from access.models import Policy, Role, User
from access.operations.simulations import Simulation, simulate
from access.permissions import own
from access.rules.actions import ALL
from console.kit.errors import ConsoleError, NotFound
from console.kit.http import ConsoleRequest, put_error

# Names that the form offers; others are typed.
NAMES_OFFERED = 100


@own
@require_safe
@vary_on_headers("HX-Request")
def simulator(request: ConsoleRequest) -> HttpResponse:
    """Question and answer at one address: `?action=…&resource=…`, with `user` for somebody else."""
    form = SimulatorForm(asked(request) if "action" in request.GET else None)
    context: dict[str, Any] = {"form": form, "actions": ALL, "account": settings.ACCOUNT_ID}
    if form.is_bound and form.is_valid():
        try:
            simulation = ask(request, **form.cleaned_data)
        except ConsoleError as error:
            put_error(form, error)
        else:
            context |= shown(request, simulation, form.cleaned_data["context"])
    if request.principal.names("ram:SimulatePolicy"):
        context |= names_offered(request)
    return render(request, "access/simulator.html", context, status=422 if form.errors else 200)


def asked(request: ConsoleRequest) -> QueryDict:
    """The question, with resources that came one by one as lines of one field."""
    question = request.GET.copy()
    question["resource"] = "\n".join(request.GET.getlist("resource"))
    return question


def ask(request: ConsoleRequest, *, user: str, role: str, resource: list[str], **words: Any) -> Simulation:
    return simulate(
        request.principal,
        resources=resource,
        user=visible_user(request, user) if user else None,
        role=visible_role(request, role) if role else None,
        **words,
    )


def visible_user(request: ConsoleRequest, name: str) -> User:
    people = User.objects.visible_to(request.principal) | User.objects.filter(
        pk=request.principal.user_id or 0
    )
    found = people.filter(username=name).first()
    if found is None:
        message = _("There is no user %(name)s, or none that you may see.")
        raise NotFound(message % {"name": name}, field="user")
    return found


def visible_role(request: ConsoleRequest, name: str) -> Role:
    found = Role.objects.visible_to(request.principal).filter(name=name).first()
    if found is None:
        message = _("There is no role %(name)s, or none that you may see.")
        raise NotFound(message % {"name": name}, field="role")
    return found


def shown(request: ConsoleRequest, simulation: Simulation, given: dict[str, str]) -> dict[str, Any]:
    names = {answer.statement.policy for answer in simulation.answers if answer.statement}
    policies = Policy.objects.visible_to(request.principal).filter(name__in=names)
    return {
        "simulation": simulation,
        "is_own": simulation.name == request.principal.name and not request.GET.get("role"),
        "address": address_for_others(request, given),
        "policies": {policy.name: policy for policy in policies} if names else {},
    }


def address_for_others(request: ConsoleRequest, given: dict[str, str]) -> str:
    """The same question about the same user or role, whoever opens it; as this request carried it."""
    question = request.GET.copy()
    principal = request.principal
    if not question.get("user") and not question.get("role"):
        question["role" if principal.role else "user"] = principal.role or principal.name
        carried = {**principal.context, **given}
        question["context"] = "\n".join(f"{key}={value}" for key, value in carried.items())
    for name in [name for name, value in question.items() if not value]:
        del question[name]
    console = f"https://{settings.PUBLIC_HOST}:{settings.TLS_PORT}"
    return f"{console}{reverse('access:simulator')}?{question.urlencode()}"


def names_offered(request: ConsoleRequest) -> dict[str, Any]:
    users = User.objects.visible_to(request.principal).order_by("username").values_list("username", flat=True)
    roles = Role.objects.visible_to(request.principal).values_list("name", flat=True)
    return {"users": users[:NAMES_OFFERED], "roles": roles[:NAMES_OFFERED]}
