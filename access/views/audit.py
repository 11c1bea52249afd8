"""The people's door: the audit trail."""

from tempfile import TemporaryFile

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from access.filters.audit import AuditSearch, Place
from access.forms.audit import AuditForm, ExportForm
from access.models import AuditEntry
from access.operations.quotas import in_words
from access.operations.trail import export_entries
from access.permissions import needs
from access.rules import marks
from access.rules.actions import ALL, known
from access.rules.exports import Format
from console.kit.http import ConsoleRequest, panel

GET_OR_POST = ["GET", "HEAD", "POST"]
LOOK_UP = "actiontrail:LookupEvents"
# One part of an export: some ten megabytes, and a second or two of one of the few threads.
PART = 20_000
CONTENT_TYPES = {"jsonl": "application/jsonl; charset=utf-8", "csv": "text/csv; charset=utf-8"}


@needs(LOOK_UP)
@require_safe
@vary_on_headers("HX-Request")
def audit_list(request: ConsoleRequest) -> HttpResponse:
    form = AuditForm(request.GET)
    context = {"form": form, "query": query_of(request), "actions": ALL}
    if form.is_valid():
        entries = AuditEntry.objects.visible_to(request.principal)
        place = Place.read(request.GET.get("before", ""))
        context |= {
            "page": form.search.page(entries, place),
            "is_filtered": bool(form.search.said),
            "is_newest": place is None,
        }
    return render(request, "access/_audit.html" if request.htmx else "access/audit.html", context)


@needs(LOOK_UP)
@require_safe
def audit_detail(request: ConsoleRequest, entry_id: int) -> HttpResponse:
    entry = get_object_or_404(AuditEntry.objects.visible_to(request.principal), pk=entry_id)
    return panel(request, "access/audit_detail.html", {"entry": entry, "action": known(entry.action)})


@needs(LOOK_UP)
@require_http_methods(GET_OR_POST)
def audit_export(request: ConsoleRequest) -> HttpResponseBase:
    """What matches the filters of the address: on GET how, on POST the file."""
    filters = AuditForm(request.GET)
    form = ExportForm(request.POST or None)
    search = filters.search if filters.is_valid() else None
    if request.method == "POST" and form.is_valid() and search is not None:
        return exported(request, search, form.cleaned_data["form"], after=form.cleaned_data["after"])
    context: dict[str, object] = {
        "form": form,
        "filters": filters,
        "search": search,
        "part": in_words(PART),
        "query": query_of(request),
    }
    return panel(request, "access/audit_export.html", context)


def exported(
    request: ConsoleRequest, search: AuditSearch, form: Format, *, after: int | None
) -> HttpResponseBase:
    entries = search.whole(AuditEntry.objects.visible_to(request.principal))
    if after:
        entries = entries.filter(number__gt=after)
    lines = export_entries(
        request.principal,
        entries,
        form,
        filters=search.filters,
        said=search.said,
        most=PART,
        taken=marks.taken_role(request.session),
    )
    # As a file, which waits for a slow visitor on the disk.
    file = TemporaryFile()  # noqa: SIM115 - the answer closes it
    file.writelines(line.encode() for line in lines)
    file.seek(0)
    name = f"audit-{timezone.now():%Y%m%d-%H%M%S}.{form}"
    response = FileResponse(file, as_attachment=True, filename=name, content_type=CONTENT_TYPES[form])
    response["Cache-Control"] = "no-store"
    return response


def query_of(request: ConsoleRequest) -> str:
    """The filters that are set, as the end of an address."""
    pairs = request.GET.copy()
    for name in list(pairs):
        if name not in AuditForm.base_fields or not pairs[name]:
            del pairs[name]
    return f"?{pairs.urlencode()}" if pairs else ""
