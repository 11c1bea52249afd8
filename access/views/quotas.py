"""The people's door: quotas."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from access.forms.quotas import QuotaForm
from access.operations.quotas import EVERYWHERE, QuotaInUse, quotas_in_use, regions, reset_quota, set_quota
from access.permissions import needs
from access.rules.quotas import BY_NAME
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error

GET_OR_POST = ["GET", "HEAD", "POST"]


@needs("quotas:ListProductQuotas")
@require_safe
@vary_on_headers("HX-Request")
def quota_list(request: ConsoleRequest) -> HttpResponse:
    """One region's quotas: the one that the address names, else the first."""
    places = regions(request.principal)
    region_id = chosen_region(request, places)
    context = {
        "places": places,
        "region_id": region_id,
        "region_name": places.get(region_id, ""),
        "quotas": quotas_in_use(request.principal, region_id) if region_id else [],
    }
    return render(request, "access/_quotas.html" if request.htmx else "access/quotas.html", context)


@needs("quotas:UpdateProductQuota")
@require_http_methods(GET_OR_POST)
def quota_update(request: ConsoleRequest, name: str, region_id: str) -> HttpResponse:
    quota = quota_of(request, name, region_id)
    form = QuotaForm(request.POST or None, initial={"value": quota.value, "everywhere": quota.is_everywhere})
    if request.method == "POST" and form.is_valid():
        where = EVERYWHERE if form.cleaned_data["everywhere"] else region_id
        try:
            set_quota(request.principal, quota.rule, where, form.cleaned_data["value"])
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, address_of(region_id))
    context = {
        "quota": quota,
        "form": form,
        "region_id": region_id,
        "region_name": regions(request.principal)[region_id],
        "back": address_of(region_id),
    }
    return panel(request, "access/quota_update.html", context)


@needs("quotas:UpdateProductQuota")
@require_POST
def quota_reset(request: ConsoleRequest, name: str, region_id: str) -> HttpResponse:
    quota = quota_of(request, name, region_id)
    reset_quota(request.principal, quota.rule, EVERYWHERE if quota.is_everywhere else region_id)
    return gone_to(request, address_of(region_id))


def chosen_region(request: ConsoleRequest, places: dict[str, str]) -> str:
    asked = request.GET.get("region", "")
    return asked if asked in places else next(iter(places), "")


def quota_of(request: ConsoleRequest, name: str, region_id: str) -> QuotaInUse:
    if name not in BY_NAME or region_id not in regions(request.principal):
        raise Http404
    [quota] = [one for one in quotas_in_use(request.principal, region_id) if one.rule.name == name]
    return quota


def address_of(region_id: str) -> str:
    return f"{reverse('access:quota_list')}?region={region_id}"
