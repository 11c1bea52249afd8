"""The people's door: export the results of a run."""

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from access.permissions import needs
from assistant.exports.errors import ExportUnknown
from assistant.exports.forms import ExportForm
from assistant.exports.models import Export
from assistant.exports.operations.exports import create_export, delete_export, open_export
from assistant.exports.states import Format
from assistant.invocations.models import Invocation
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error

GET_OR_POST = ["GET", "HEAD", "POST"]
# The exports that are listed; each person keeps a few, for a day.
SHOWN = 50


@needs("ecs:DescribeInvocationResults")
@require_safe
@vary_on_headers("HX-Request")
def export_list(request: ConsoleRequest) -> HttpResponse:
    exports = Export.objects.visible_to(request.principal).of(request.principal).for_table()[:SHOWN]
    template = "exports/_table.html" if request.htmx else "exports/list.html"
    return render(request, template, {"exports": exports})


@needs("ecs:DescribeInvocationResults")
@require_http_methods(GET_OR_POST)
def export_create(request: ConsoleRequest, invocation_id: str) -> HttpResponse:
    runs = Invocation.objects.visible_to(request.principal).select_related("command", "region")
    invocation = get_object_or_404(runs, pk=invocation_id)
    form = ExportForm(request.POST or None, recurs=invocation.plan.recurs)
    if request.method == "POST" and form.is_valid():
        try:
            wanted = Format(form.cleaned_data["format"])
            history = form.cleaned_data.get("history", False)
            export = create_export(request.principal, invocation, form=wanted, history=history)
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, export.get_absolute_url())
    return panel(request, "exports/create.html", {"form": form, "invocation": invocation})


@needs("ecs:DescribeInvocationResults")
@require_safe
@vary_on_headers("HX-Request")
def export_detail(request: ConsoleRequest, export_id: str) -> HttpResponse:
    export = visible_export(request, export_id)
    template = "exports/_export.html" if request.htmx else "exports/detail.html"
    return render(request, template, {"export": export})


@needs("ecs:DescribeInvocationResults")
@require_POST
def export_download(request: ConsoleRequest, export_id: str) -> HttpResponseBase:
    """POST, because each download is remembered, and nothing that fetches ahead shall be."""
    export = visible_export(request, export_id)
    path = open_export(request.principal, export)
    response = FileResponse(path.open("rb"), as_attachment=True, filename=export.file_name)
    response["Content-Type"] = "application/octet-stream"
    response["Cache-Control"] = "no-store"
    return response


@needs("ecs:DescribeInvocationResults")
@require_POST
def export_delete(request: ConsoleRequest, export_id: str) -> HttpResponse:
    delete_export(request.principal, visible_export(request, export_id))
    return gone_to(request, reverse("exports:export_list"))


def visible_export(request: ConsoleRequest, export_id: str) -> Export:
    export = Export.objects.visible_to(request.principal).for_table().filter(pk=export_id).first()
    if export is None:
        raise ExportUnknown(_("There is no such export any more. Each is kept for a day, if its run is."))
    return export
