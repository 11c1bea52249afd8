"""Who asks, on every request of a browser; what they have to do first; and that every view has a rule."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from access.errors import RoleEnded, RoleTaken
from access.models import User
from access.operations.identities import Origin, principal_for
from access.operations.roles_taken import role_in_force
from access.principals import ANONYMOUS, Door, Principal
from access.rules import marks
from access.rules.marks import TakenRole
from access.sessions import SessionStore
from console.kit.errors import NotAllowed
from console.kit.http import gone_to, refusal

ADMIN = "/admin/"
SAFE = {"GET", "HEAD", "OPTIONS"}


def principal(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Put `request.principal` there: the signed-in user at the door they came through.

    Beside it `request.taken_role`, the role that the user is in, and `request.ended_role`, one that has
    just come to its end.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        session = cast("SessionStore", request.session)
        session.came_from(request.META.get("REMOTE_ADDR", ""), request.headers.get("User-Agent", ""))
        asking = principal_of(request)
        taken = marks.taken_role(session) if asking.user_id else None
        request.principal = asking  # type: ignore[attr-defined]
        request.taken_role = taken if asking.role else None  # type: ignore[attr-defined]
        request.ended_role = taken if taken and not asking.role else None  # type: ignore[attr-defined]
        if asking.user_id:
            session.note_seen()
        return get_response(request)

    return middleware


def principal_of(request: HttpRequest) -> Principal:
    user = request.user
    if not isinstance(user, User):
        return ANONYMOUS
    door = Door.ADMIN if request.path.startswith(ADMIN) else Door.CONSOLE
    origin = Origin(
        source_ip=request.META.get("REMOTE_ADDR", ""),
        is_secure=request.is_secure(),
        has_second_factor=marks.has_second_factor(request.session),
    )
    themself = principal_for(user, door, origin=origin)
    taken = marks.taken_role(request.session)
    role = role_in_force(themself, taken) if taken else None
    return principal_for(user, door, origin=origin, role=role) if role else themself


# What is open whatever somebody has to do first.
WAY_OUT = {"sign_out"}
PASSWORD = {"password"}
SECOND_FACTOR = {
    "account:second_factor",
    "account:second_factor_begin",
    "account:second_factor_confirm",
}


class Duty(NamedTuple):
    """Something to be done before anything else: where, and what is open meanwhile."""

    goal: str
    is_open: set[str]


def duty_of(request: HttpRequest) -> Duty | None:
    user = cast("User", request.user)
    if user.must_change_password and user.has_usable_password():
        return Duty("password", PASSWORD)
    if user.must_use_second_factor and not marks.has_second_factor(request.session):
        return Duty("account:second_factor", SECOND_FACTOR)
    return None


class Duties:
    """Leads those who have to do something first to where they do it, and lets them nowhere else.

    And what was begun in a role that has just ended is not done without it: the user would do more, or
    something else, than they thought.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *_arguments: Any
    ) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        if not isinstance(request.user, User) or not getattr(view, "login_required", True) or name in WAY_OUT:
            return None
        duty = duty_of(request)
        if duty:
            return self.lead(request, name, duty)
        ended: TakenRole | None = request.ended_role  # type: ignore[attr-defined]
        if ended:
            return self.tell(request, ended)
        if request.taken_role and request.path.startswith(ADMIN):  # type: ignore[attr-defined]
            # The admin site asks the user, not the principal.
            return refusal(request, RoleTaken(_("Leave the role before you go to the administration site.")))
        return None

    @staticmethod
    def lead(request: HttpRequest, name: str, duty: "Duty") -> HttpResponse | None:
        return None if name in duty.is_open else gone_to(request, reverse(duty.goal))

    @staticmethod
    def tell(request: HttpRequest, ended: TakenRole) -> HttpResponse | None:
        marks.take_role(request.session)
        message = _("The role %(name)s has ended. You are yourself again.") % {"name": ended.name}
        # A part of a page stays away too: the page around it still says that one is in the role.
        if request.method in SAFE and not request.headers.get("HX-Request"):
            messages.warning(request, message)
            return None
        nothing = _("Nothing was done: load the page again and look whether you still want it.")
        return refusal(request, RoleEnded(f"{message} {nothing}"))


class Rules:
    """Refuses a view that says neither what it needs nor that it is open: nobody forgets to say."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *_arguments: Any
    ) -> HttpResponse | None:
        is_open = not getattr(view, "login_required", True)
        if not is_open and not hasattr(view, "rule") and not request.path.startswith(ADMIN):
            return refusal(request, NotAllowed(_("This page has no rule that says who may see it.")))
        return None
