"""The people's door: what the guard asks, at the form that it is about or in a panel of its own."""

from django.forms import BaseForm
from django.http import HttpResponse
from django.utils.translation import gettext as _

from assistant.invocations.errors import ConfirmationNeeded
from assistant.invocations.models import Invocation
from console.kit.http import ConsoleRequest, panel


def put_question(form: BaseForm, question: ConfirmationNeeded) -> ConfirmationNeeded:
    """The form comes again with the question in it (`invocations/_guard.html`)."""
    form.add_error(None, _("It has not run yet: read the question at its end."))
    return question


def asked(request: ConsoleRequest, invocation: Invocation, question: ConfirmationNeeded) -> HttpResponse:
    """A panel that asks, and does the same again with the answer."""
    context = {"invocation": invocation, "question": question, "address": request.path}
    response = panel(request, "invocations/confirm.html", context)
    # A button of the page asked for it, not the panel's frame.
    response["HX-Retarget"] = "#panel"
    response["HX-Reswap"] = "innerHTML"
    response.status_code = 422
    return response
