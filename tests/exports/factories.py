from assistant.exports.operations.exports import create_export
from assistant.exports.states import Format
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import ran, report, started, target_of


def answered(principal, *bodies, **instance):
    """A run on as many instances as there are bodies, each of which wrote its own."""
    instances = [InstanceFactory(**instance) for _body in bodies]
    run = ran(principal, *instances)
    for one, body in zip(instances, bodies, strict=True):
        report(started(target_of(run, one)), body=body)
    return run


def exported(principal, run, form="csv", *, history=False):
    """An export whose row is written; its task is left to the test."""
    return create_export(principal, run, form=Format(form), history=history)


def written(export):
    """All steps, as workers take them."""
    from assistant.exports.tasks import write_export

    for _step in range(20):
        if not fresh(export).is_final:
            write_export(export.pk)
    return export


def fresh(export):
    export.refresh_from_db()
    return export
