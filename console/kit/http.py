"""What views share about requests and answers."""

import logging
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from console.kit.errors import ConsoleError, InvalidParameter, NotFound

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from access.principals import Principal

logger = logging.getLogger(__name__)


class ConsoleRequest(HttpRequest):
    """A request as our middleware leaves it; for annotations."""

    principal: "Principal"
    htmx: "HtmxDetails"


def refusal(request: HttpRequest, error: ConsoleError) -> HttpResponse:
    """The error as a page; for htmx as a notice, which the shell shows wherever the request came from."""
    context = {
        "status": error.status,
        "code": error.code,
        "message": error.message,
        "question": question_of(error),
    }
    if getattr(request, "htmx", False):
        notice = {**context, "tone": "bad", "text": error.message}
        response = render(request, "ui/_notice.html", notice, status=error.status)
        response["HX-Retarget"] = "#notices"
        response["HX-Reswap"] = "innerHTML"
        return response
    return render(request, "refused.html", context, status=error.status)


def question_of(error: ConsoleError) -> str:
    """What was refused, as the simulator's address takes it: `action=…&resource=…`; empty for other errors."""
    action = error.facts.get("action")
    if not action:
        return ""
    pairs = {"action": action, "resource": error.facts.get("resource") or "*"}
    return urlencode(pairs)


def broken(request: HttpRequest) -> HttpResponse:
    """Something that should not happen has happened: a reference for the log, and no detail."""
    reference = secrets.token_hex(2).upper()
    error = ConsoleError(
        _("Something broke. Tell support the reference %(reference)s.") % {"reference": reference}
    )
    logger.error("Broken reference=%s path=%s", reference, request.path)
    return refusal(request, error)


def put_error(form: BaseForm, error: ConsoleError) -> None:
    """Show an operation's refusal of what was typed at the field that is meant."""
    if not isinstance(error, (InvalidParameter, NotFound)):
        raise error
    form.add_error(error.field if error.field in form.fields else None, error.message)


def panel(request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponse:
    """Forms beside their list: the panel alone for htmx, a page of its own otherwise. 422 if one is invalid.

    The template extends `layout`, which is one of the two.
    """
    layout = "ui/panel_only.html" if getattr(request, "htmx", False) else "ui/panel_page.html"
    forms = (value for value in context.values() if isinstance(value, BaseForm))
    status = 422 if any(form.errors for form in forms) else 200
    return render(request, template, {**context, "layout": layout}, status=status)


def gone_to(request: HttpRequest, url: str) -> HttpResponse:
    """After a POST that leaves the page, for htmx as for a plain form."""
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else redirect(url)
