"""The people's door: managed instances and activation codes; and the files that a new server fetches."""

from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from access.permissions import needs, own
from access.rules.conditions import TAG_KEY
from assistant.instances.filters import InstanceFilter, chosen_instances
from assistant.instances.forms import ActivationForm, RenameForm, SelectionForm, TagForm
from assistant.instances.models import Activation, Instance, Region, Selection
from assistant.instances.operations.activations import (
    create_activation,
    delete_activation,
    disable_activation,
)
from assistant.instances.operations.installing import lines_for
from assistant.instances.operations.instances import rename_instance, tag_resources, untag_resources
from assistant.instances.operations.releases import deregister_managed_instance
from assistant.instances.operations.selections import create_selection, delete_selection, modify_selection
from assistant.instances.querysets import SEES_INSTANCES
from console.kit.errors import ConsoleError, NotFound
from console.kit.http import ConsoleRequest, gone_to, panel, put_error
from console.kit.pagination import listing

GET_OR_POST = ["GET", "HEAD", "POST"]


# --- Managed instances ---


@needs(*SEES_INSTANCES)
@require_safe
@vary_on_headers("HX-Request")
def instance_list(request: ConsoleRequest) -> HttpResponse:
    rows = Instance.objects.visible_to(request.principal).registered().for_table()
    found = listing(request, rows, InstanceFilter)
    n_registered, n_connected = Instance.objects.visible_to(request.principal).registered().tally()
    context = {
        "listing": found,
        "ticked": set(request.GET.getlist("instance")),
        "all_chosen": "all" in request.GET,
        "n_registered": n_registered,
        "n_connected": n_connected,
        "selections": Selection.objects.visible_to(request.principal).for_table(),
    }
    return render(request, "instances/_table.html" if request.htmx else "instances/list.html", context)


@needs(*SEES_INSTANCES)
@require_safe
@vary_on_headers("HX-Request")
def instance_detail(request: ConsoleRequest, instance_id: str) -> HttpResponse:
    instance = visible_instance(request, instance_id)
    tags = list(instance.tags.all())
    context = {
        "instance": instance,
        "runs": instance.targets.visible_to(request.principal)
        .select_related("invocation__command")
        .order_by("-pk")[:20],
        "plans": instance.targets.visible_to(request.principal).planned(),
        "tags": tags,
        "facts": {TAG_KEY + tag.key: tag.value for tag in tags},
    }
    return render(request, "instances/_detail.html" if request.htmx else "instances/detail.html", context)


@needs("ecs:ModifyManagedInstance")
@require_http_methods(GET_OR_POST)
def instance_rename(request: ConsoleRequest, instance_id: str) -> HttpResponse:
    instance = visible_instance(request, instance_id)
    form = RenameForm(request.POST or None, initial={"name": instance.name})
    if request.method == "POST" and form.is_valid():
        try:
            rename_instance(request.principal, instance, **form.cleaned_data)
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, instance.get_absolute_url())
    return panel(request, "instances/rename.html", {"instance": instance, "form": form})


@needs("ecs:TagResources")
@require_http_methods(GET_OR_POST)
def instance_tag(request: ConsoleRequest) -> HttpResponse:
    """Tag the instances that were ticked, or all that match the filters."""
    instances = chosen_instances(request.principal, request.POST or request.GET, "ecs:TagResources")
    form = TagForm(request.POST if "tags" in request.POST else None)
    if request.method == "POST" and form.is_valid():
        try:
            tag_resources(request.principal, instances, tags=form.cleaned_data["tags"])
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, reverse("instances:instance_list"))
    context = {"form": form, "n_chosen": instances.count(), "chosen": chosen_fields(request)}
    return panel(request, "instances/tag.html", context)


@needs("ecs:UntagResources")
@require_POST
def instance_untag(request: ConsoleRequest, instance_id: str) -> HttpResponse:
    instance = visible_instance(request, instance_id)
    keys = request.POST.getlist("key")
    untag_resources(request.principal, Instance.objects.filter(pk=instance.pk), keys=keys)
    return gone_to(request, instance.get_absolute_url())


@needs("ecs:DeregisterManagedInstance")
@require_http_methods(GET_OR_POST)
def instance_deregister(request: ConsoleRequest, instance_id: str) -> HttpResponse:
    instance = visible_instance(request, instance_id)
    if request.method == "POST":
        deregister_managed_instance(request.principal, instance)
        return gone_to(request, reverse("instances:instance_list"))
    n_open = instance.targets.unfinished().count()
    return panel(request, "instances/deregister.html", {"instance": instance, "n_open": n_open})


def visible_instance(request: ConsoleRequest, instance_id: str) -> Instance:
    instances = Instance.objects.visible_to(request.principal).select_related("region", "activation")
    return get_object_or_404(instances, pk=instance_id)


def chosen_fields(request: ConsoleRequest) -> list[tuple[str, str]]:
    """The choice as hidden fields, for the form that acts on it."""
    fields = request.POST or request.GET
    names = ["instance", "all", *InstanceFilter.base_filters]
    return [(name, value) for name in names for value in fields.getlist(name) if value]


# --- Saved selections ---


@own
@require_safe
def selection_list(request: ConsoleRequest) -> HttpResponse:
    context = {
        "selections": Selection.objects.visible_to(request.principal).for_table(),
        "changeable": set(Selection.objects.changeable_by(request.principal).values_list("pk", flat=True)),
    }
    return render(request, "instances/selections.html", context)


@own
@require_http_methods(GET_OR_POST)
def selection_create(request: ConsoleRequest) -> HttpResponse:
    """Save what is ticked in the list; where nothing is, or all that match, its filters."""
    fields = request.POST or request.GET
    form = SelectionForm(request.POST if "name" in request.POST else None)
    filters = {word: fields.get(word, "") for word in Selection.FILTERS}
    ticked = fields.getlist("instance") if not fields.get("all") else []
    visible = Instance.objects.visible_to(request.principal).registered()
    instances = visible.filter(pk__in=ticked) if ticked else None
    asked = InstanceFilter(filters, queryset=visible, request=request)
    if form.is_valid():
        try:
            selection = create_selection(
                request.principal, **form.cleaned_data, filters=filters, instances=instances
            )
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, selection.get_absolute_url())
    context = {
        "form": form,
        "chosen": chosen_fields(request),
        "is_ticked": bool(ticked),
        "filters": {word: value for word, value in filters.items() if value},
        "holds_another": bool(fields.get("selection")) and not ticked,
        "n_meant": asked.qs.count() if instances is None else instances.count(),
    }
    return panel(request, "instances/selection_create.html", context)


@own
@require_http_methods(GET_OR_POST)
def selection_modify(request: ConsoleRequest, selection_id: int) -> HttpResponse:
    selection = changeable_selection(request, selection_id)
    initial = {"name": selection.name, "is_shared": selection.is_shared}
    form = SelectionForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            modify_selection(request.principal, selection, **form.cleaned_data)
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, reverse("instances:selection_list"))
    return panel(request, "instances/selection_modify.html", {"selection": selection, "form": form})


@own
@require_POST
def selection_delete(request: ConsoleRequest, selection_id: int) -> HttpResponse:
    delete_selection(request.principal, changeable_selection(request, selection_id))
    return gone_to(request, reverse("instances:selection_list"))


def changeable_selection(request: ConsoleRequest, selection_id: int) -> Selection:
    return get_object_or_404(Selection.objects.changeable_by(request.principal), pk=selection_id)


# --- Activation codes ---


@needs("ecs:DescribeActivations")
@require_safe
@vary_on_headers("HX-Request")
def activation_list(request: ConsoleRequest) -> HttpResponse:
    activations = Activation.objects.visible_to(request.principal).select_related("region")
    context = {
        "activations": activations[:200],
    }
    template = "instances/_activations.html" if request.htmx else "instances/activations.html"
    return render(request, template, context)


@needs("ecs:CreateActivation")
@require_http_methods(GET_OR_POST)
def activation_create(request: ConsoleRequest) -> HttpResponse:
    form = ActivationForm(request.POST or None, regions=Region.objects.visible_to(request.principal))
    if request.method == "POST" and form.is_valid():
        try:
            new = create_activation(request.principal, form.cleaned_data.pop("region"), **form.cleaned_data)
        except ConsoleError as error:
            put_error(form, error)
        else:
            activation = new.activation
            context = {"activation": activation, "code": new.code, "lines": lines_for(new)}
            response = panel(request, "instances/activation_created.html", context)
            # The page holds the code: no cache keeps it, and going back does not show it again.
            response["Cache-Control"] = "no-store"
            return response
    return panel(request, "instances/activation_create.html", {"form": form})


@needs("ecs:DisableActivation")
@require_POST
def activation_disable(request: ConsoleRequest, activation_id: str) -> HttpResponse:
    disable_activation(request.principal, visible_activation(request, activation_id))
    return gone_to(request, reverse("instances:activation_list"))


@needs("ecs:DeleteActivation")
@require_POST
def activation_delete(request: ConsoleRequest, activation_id: str) -> HttpResponse:
    delete_activation(request.principal, visible_activation(request, activation_id))
    return gone_to(request, reverse("instances:activation_list"))


@needs("ecs:DescribeActivations")
@require_safe
def activation_arrivals(request: ConsoleRequest, activation_id: str) -> HttpResponse:
    """The servers that have come with a code: the page of a new code notices them by itself."""
    activation = visible_activation(request, activation_id)
    arrived = activation.instances.visible_to(request.principal).registered().order_by("-registered_at")[:20]
    context = {"activation": activation, "arrived": arrived}
    return render(request, "instances/_arrivals.html", context)


def visible_activation(request: ConsoleRequest, activation_id: str) -> Activation:
    return get_object_or_404(Activation.objects.visible_to(request.principal), pk=activation_id)


# --- What a new server fetches ---


@login_not_required
@require_safe
def download_ca(request: HttpRequest) -> FileResponse:
    return served_file(settings.TLS_DIR / "ca.pem", "application/x-pem-file")


@login_not_required
@require_safe
def download_installer(request: HttpRequest) -> FileResponse:
    return served_file(settings.BASE_DIR / "agent" / "install.sh", "text/x-shellscript")


@login_not_required
@require_safe
def download_agent(request: HttpRequest) -> FileResponse:
    return served_file(settings.AGENT_PACKAGE, "application/zip")


def served_file(path: Path, content_type: str) -> FileResponse:
    if not path.is_file():
        raise NotFound(_("This console has not made %(name)s yet.") % {"name": path.name})
    return FileResponse(path.open("rb"), content_type=content_type)
