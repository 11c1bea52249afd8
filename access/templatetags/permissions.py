"""Buttons that say what they need: `{% load permissions %}`."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from access.principals import ANONYMOUS, Principal

register = template.Library()


def may(principal: Principal, action: str, resource: str, context: Any = None) -> bool:
    """On the resource, or, where none is said, anywhere at all."""
    return principal.could(action, resource, context) if resource else principal.opens(action)


def hint(action: str) -> str:
    return _("You need %(action)s. Ask an administrator.") % {"action": action}


@register.simple_tag(takes_context=True)
def allowed(context: Any, action: str, resource: str = "", *, facts: Any = None) -> SafeString:
    """Inside a button's tag: nothing, or `disabled` with the missing action as its hint.

    `facts` are the condition keys of the resource (an instance's tags).
    """
    if may(principal_of(context), action, resource, facts):
        return SafeString("")
    return format_html('disabled data-locked title="{}"', hint(action))


@register.simple_tag(takes_context=True)
def allowed_link(
    context: Any, action: str, url: str, resource: str = "", *, facts: Any = None, panel: bool = True
) -> SafeString:
    """Inside a link's tag: where it leads (into the panel beside the page), or the missing action."""
    if not may(principal_of(context), action, resource, facts):
        return format_html('role="link" aria-disabled="true" title="{}"', hint(action))
    if not panel:
        return format_html('href="{}"', url)
    return format_html('href="{0}" hx-get="{0}" hx-target="#panel"', url)


@register.simple_tag(takes_context=True)
def may_do(context: Any, action: str, resource: str = "", *, facts: Any = None) -> bool:
    """As a value: `{% may_do "ram:ListUsers" as sees_users %}`."""
    return may(principal_of(context), action, resource, facts)


def principal_of(context: Any) -> Principal:
    return getattr(context.get("request"), "principal", ANONYMOUS)
