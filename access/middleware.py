"""Who asks, on every request of a browser."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from access.models import User
from access.operations.identities import principal_for
from access.principals import ANONYMOUS, Door, Principal


def principal(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Put `request.principal` there: the signed-in user at the door they came through."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.principal = principal_of(request)  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


def principal_of(request: HttpRequest) -> Principal:
    user = request.user
    if not isinstance(user, User):
        return ANONYMOUS
    door = Door.ADMIN if request.path.startswith("/admin/") else Door.CONSOLE
    return principal_for(user, door, source_ip=request.META.get("REMOTE_ADDR", ""))
