"""The people's door: access keys, one's own and those of others."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from access.limits import ACCESS_KEYS_PER_USER
from access.models import AccessKey, User
from access.operations.access_keys import (
    NewAccessKey,
    create_access_key,
    delete_access_key,
    disable_access_key,
    enable_access_key,
    rotate_access_key,
    visible_keys,
)
from access.permissions import own
from access.views.users import GET_OR_POST
from console.kit.http import ConsoleRequest, gone_to, panel


@own
@require_safe
@vary_on_headers("HX-Request")
def access_key_list(request: ConsoleRequest) -> HttpResponse:
    """One's own."""
    keys = visible_keys(request.principal).filter(user=request.principal.user_id)
    context = {"keys": keys, "keys_are_own": True, "person": request.user, "is_own_page": True}
    template = "access/_access_keys.html" if request.htmx else "access/access_keys.html"
    return render(request, template, context)


@own
@require_http_methods(GET_OR_POST)
def access_key_create(request: ConsoleRequest, username: str) -> HttpResponse:
    person = owner(request, username)
    if request.method == "POST":
        return shown_once(request, create_access_key(request.principal, person))
    context = {
        "person": person,
        "n_keys": person.access_keys.count(),
        "most": ACCESS_KEYS_PER_USER,
        "back": back_to(request, person),
    }
    return panel(request, "access/access_key_create.html", context)


@own
@require_http_methods(GET_OR_POST)
def access_key_rotate(request: ConsoleRequest, key_id: str) -> HttpResponse:
    key = visible_key(request, key_id)
    if request.method == "POST":
        return shown_once(request, rotate_access_key(request.principal, key), follows=key)
    n_keys = key.user.access_keys.count()
    context = {"key": key, "is_full": n_keys >= ACCESS_KEYS_PER_USER, "back": back_to(request, key.user)}
    return panel(request, "access/access_key_rotate.html", context)


@own
@require_POST
def access_key_disable(request: ConsoleRequest, key_id: str) -> HttpResponse:
    key = disable_access_key(request.principal, visible_key(request, key_id))
    return gone_to(request, back_to(request, key.user))


@own
@require_POST
def access_key_enable(request: ConsoleRequest, key_id: str) -> HttpResponse:
    key = enable_access_key(request.principal, visible_key(request, key_id))
    return gone_to(request, back_to(request, key.user))


@own
@require_http_methods(GET_OR_POST)
def access_key_delete(request: ConsoleRequest, key_id: str) -> HttpResponse:
    key = visible_key(request, key_id)
    back = back_to(request, key.user)
    if request.method == "POST":
        delete_access_key(request.principal, key)
        return gone_to(request, back)
    return panel(request, "access/access_key_delete.html", {"key": key, "back": back})


def shown_once(
    request: ConsoleRequest, new: NewAccessKey, *, follows: AccessKey | None = None
) -> HttpResponse:
    context: dict[str, object] = {"new": new, "follows": follows, "back": back_to(request, new.key.user)}
    response = panel(request, "access/access_key_created.html", context)
    # The page holds the secret: no cache keeps it, and going back does not show it again.
    response["Cache-Control"] = "no-store"
    return response


def visible_key(request: ConsoleRequest, key_id: str) -> AccessKey:
    return get_object_or_404(visible_keys(request.principal), pk=key_id)


def owner(request: ConsoleRequest, username: str) -> User:
    """Oneself, or another who may be seen."""
    if username == request.principal.name:
        return get_object_or_404(User, pk=request.principal.user_id)
    return get_object_or_404(User.objects.visible_to(request.principal), username=username)


def back_to(request: ConsoleRequest, person: User) -> str:
    """The user's page for who may see it, otherwise the page of one's own keys."""
    if User.objects.visible_to(request.principal).filter(pk=person.pk).exists():
        return person.get_absolute_url()
    return reverse("access:access_key_list")
