"""Saved selections: filters, or instances that were ticked, under a name."""

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access.models import User
from access.operations.calls import operation, record
from access.operations.decisions import authorize_administrator, authorize_own
from access.principals import Principal
from assistant.instances import limits
from assistant.instances.errors import SelectionEmpty, SelectionNameTaken
from assistant.instances.models import Selection
from assistant.instances.operations.instances import CONTROL
from assistant.instances.querysets import InstanceQuerySet
from console.kit.errors import InvalidParameter, QuotaExceeded


@operation("ecs:CreateSelection")
def create_selection(
    principal: Principal,
    name: str,
    *,
    filters: Mapping[str, str] | None = None,
    instances: InstanceQuerySet | None = None,
    is_shared: bool = False,
) -> Selection:
    """Keep `filters` (names of Selection.FILTERS), or these `instances` one by one, as the principal's own."""
    authorize_own(principal)

    name = checked_name(name)
    if Selection.objects.filter(owner=principal.user_id).count() >= limits.SELECTIONS:
        raise QuotaExceeded(
            _("You have %(most)d selections. Delete one first.") % {"most": limits.SELECTIONS}
        )
    kept = {word: value for word, value in (filters or {}).items() if word in Selection.FILTERS and value}
    selection = Selection(
        name=name,
        owner=User.objects.get(pk=principal.user_id or 0),
        is_shared=is_shared,
        filters=kept if instances is None else {},
        instance_ids=[] if instances is None else checked_ids(instances),
    )
    if not selection.filters and not selection.instance_ids:
        raise SelectionEmpty(_("Filter the list, or tick instances, and save that."))
    write(selection)

    facts = {"shared": is_shared, "filters": selection.filters, "instances": len(selection.instance_ids)}
    record(principal, "ecs:CreateSelection", name, **facts)
    return selection


@operation("ecs:ModifySelection")
def modify_selection(principal: Principal, selection: Selection, *, name: str, is_shared: bool) -> Selection:
    """Call it something else, share it or keep it to oneself."""
    authorize_change(principal, "ecs:ModifySelection", selection)

    before = selection.name
    selection.name, selection.is_shared = checked_name(name), is_shared
    write(selection)

    record(principal, "ecs:ModifySelection", before, renamed_to=selection.name, shared=is_shared)
    return selection


@operation("ecs:DeleteSelection")
def delete_selection(principal: Principal, selection: Selection) -> None:
    """Forget it. The instances stay as they are."""
    authorize_change(principal, "ecs:DeleteSelection", selection)

    name = selection.name
    selection.delete()

    record(principal, "ecs:DeleteSelection", name)


def authorize_change(principal: Principal, action: str, selection: Selection) -> None:
    """One's own; somebody else's is the administrators', and only while it is shared."""
    if selection.owner_id == principal.user_id:
        authorize_own(principal)
    else:
        authorize_administrator(principal, action)


def checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= limits.SELECTION_NAME_CHARACTERS or CONTROL.search(name):
        most = {"most": limits.SELECTION_NAME_CHARACTERS}
        raise InvalidParameter(_("A name has 1 to %(most)d printable characters.") % most, field="name")
    return name


def checked_ids(instances: InstanceQuerySet) -> list[str]:
    ids = list(instances.order_by("pk").values_list("pk", flat=True)[: limits.SELECTION_INSTANCES + 1])
    if len(ids) > limits.SELECTION_INSTANCES:
        message = _("A selection names at most %(most)d instances. Save a filter instead.")
        raise InvalidParameter(message % {"most": limits.SELECTION_INSTANCES})
    return ids


def write(selection: Selection) -> None:
    try:
        with transaction.atomic():
            selection.save()
    except IntegrityError as error:
        message = _("There is a selection called %(name)s already.")
        raise SelectionNameTaken(message % {"name": selection.name}, field="name") from error
