"""Export the results of a run: ask for it, read it, take it away."""

import logging
from pathlib import Path

from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from access.operations.calls import operation, record
from access.operations.decisions import authorize, authorize_administrator, authorize_own
from access.principals import Principal
from assistant.exports import errors, followups, limits
from assistant.exports.models import Export
from assistant.exports.states import Format
from assistant.instances.operations.permissions import authorize_instances
from assistant.invocations.models import Invocation
from console.kit import ids

logger = logging.getLogger(__name__)

READ = "ecs:DescribeInvocationResults"
EXPORT = "ecs:ExportInvocationResults"


@operation(READ)
def create_export(
    principal: Principal, invocation: Invocation, *, form: Format, history: bool = False
) -> Export:
    """Have the results of a run written into a file, in the background: those that there are now.

    Of a plan that recurs the last run of each instance, with `history` every one that is kept.

    The whole run or nothing: who may not read one of its results is refused. The permission is asked for
    again with every batch, and by everybody who reads the file.
    """
    authorize_results(principal, invocation)

    if Export.objects.of(principal).count() >= limits.KEPT_PER_USER:
        message = _("You keep %(number)d exports already. Delete one, or wait: each is kept for a day.")
        raise errors.ExportsExhausted(message % {"number": limits.KEPT_PER_USER})
    has_history = history and invocation.plan.recurs
    now = timezone.now()
    rows = invocation.records.all() if has_history else invocation.targets.all()
    size = rows.filter(created_at__lte=now).aggregate(number=Count("pk"), output_bytes=Sum("stored_bytes"))
    output_bytes = size["output_bytes"] or 0
    if output_bytes > limits.OUTPUT_BYTES:
        message = _("The outputs come to more than 1 GiB. Download those that you need one by one.")
        raise errors.ExportTooLarge(message, field="format")

    export = Export.objects.create(
        id=ids.new_id("e", invocation.region.code),
        invocation=invocation,
        form=form,
        has_history=has_history,
        created_by_id=principal.user_id,
        role=principal.role,
        door=principal.door,
        source_ip=principal.source_ip,
        is_secure=principal.is_secure,
        has_second_factor=principal.has_second_factor,
        created_at=now,
        heard_at=now,
        expires_at=now + limits.KEPT_FOR,
        n_total=size["number"],
    )
    record(principal, EXPORT, invocation.pk, export=export.pk, format=form.value, results=export.n_total)
    logger.info("Export begins export=%s principal=%s", export.pk, principal.name)
    followups.changed(export.pk)
    followups.write(export.pk)
    return export


@operation(READ)
def open_export(principal: Principal, export: Export) -> Path:
    """Where the file is, for one who may read every result in it now. What is handed out is remembered."""
    authorize_results(principal, export.invocation)

    if not export.is_ready or not export.path.is_file():
        raise errors.ExportNotReady(_("There is no file yet, or none any more."))
    record(principal, "ecs:DownloadInvocationResults", export.invocation_id, export=export.pk)
    return export.path


@operation(READ)
def delete_export(principal: Principal, export: Export) -> None:
    """Take an export of one's own away; one that is being written ends."""
    if export.created_by_id == principal.user_id:
        authorize_own(principal)
    else:
        authorize_administrator(principal, READ)

    record(principal, "ecs:DeleteExport", export.invocation_id, export=export.pk)
    followups.changed(export.pk)
    Export.objects.filter(pk=export.pk).delete()
    export.path.unlink(missing_ok=True)


def authorize_results(principal: Principal, invocation: Invocation) -> None:
    """Raise NotAllowed unless every result of the run may be read."""
    authorize(principal, READ, invocation.command.arn)
    places = invocation.targets.order_by("pk").values_list("instance_id", "instance__region_id")
    authorize_instances(principal, READ, places)
