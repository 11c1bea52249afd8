"""Where pages offer single sign-on, and show whom it knows a user as. Nothing where it is switched off."""

from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode

from access.models import ExternalIdentity, User
from access.scopes import arn

register = template.Library()


@register.inclusion_tag("account/_sso_button.html")
def single_sign_on_button(next_url: str = "") -> dict[str, Any]:
    """The way in, for the sign-in page."""
    service = settings.SINGLE_SIGN_ON
    query = urlencode({"next": next_url}) if next_url else ""
    return {"service": service, "url": f"{reverse('access:sso_start')}?{query}" if service else ""}


@register.inclusion_tag("account/_sso.html", takes_context=True)
def single_sign_on_card(context: dict[str, Any], account: User) -> dict[str, Any]:
    """A user's link, and what can be done about it. One query, where it is switched on."""
    service, user = settings.SINGLE_SIGN_ON, context["user"]
    links = ExternalIdentity.objects.filter(user=account, issuer=service.issuer) if service else None
    return {
        "request": context["request"],
        "service": service,
        "account": account,
        "arn": arn("ram", "user", account.username),
        "is_own": account == user,
        "is_guarded": account.is_superuser and not user.is_superuser,
        "link": links.first() if links is not None else None,
    }
