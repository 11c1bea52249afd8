"""The rest of a past: a plan on every instance with its runs, rollouts, and what people keep for later."""

from datetime import time, timedelta

from bench.history import ANSWERS, BATCH, DIFFERENT_EVERY, FAILED_EVERY, analyze

PLAN = "t-lo0plan00000000"
MOMENTS = 10
ROLLOUTS = 100
KEPT = 200
BLACKOUTS = 20
WEBHOOKS = 50


def fill_plans(region, user_id, run_id):
    """`run_id`: a run on every instance, which becomes a rollout, and is exported again and again."""
    write_records(make_plan(region, user_id))
    make_rollouts(run_id)
    make_kept(region, user_id, run_id)
    analyze()


def make_plan(region, user_id):
    """Every ten minutes; nobody has missed a run."""
    from django.utils import timezone

    from assistant.commands.models import Command
    from assistant.instances.models import Instance
    from assistant.invocations.models import Invocation, Target

    now = timezone.now()
    begin = now - timedelta(minutes=10 * MOMENTS)
    shared = {"region": region, "timeout": 60, "created_by_id": user_id}
    command = Command.objects.create(
        id="c-lo0plan00000000", type="RunShellScript", content="uptime", name="plan", **shared
    )
    ids = list(Instance.objects.order_by("pk").values_list("pk", flat=True))
    plan = Invocation.objects.create(
        id=PLAN,
        command=command,
        door="console",
        created_at=begin,
        status="Scheduled",
        repeat_mode="Period",
        frequency="rate(10m)",
        repeats=MOMENTS,
        last_run_at=begin + timedelta(minutes=10 * MOMENTS),
        n_total=len(ids),
        n_scheduled=len(ids),
        **shared,
    )
    facts = {"status": "Scheduled", "username": "root", "created_at": begin, "repeats": MOMENTS}
    targets = [Target(invocation=plan, instance_id=pk, **facts) for pk in ids]
    Target.objects.bulk_create(targets, batch_size=1000)
    return plan


def write_records(plan):
    from assistant.invocations.models import OutputChunk, Record

    ids = list(plan.targets.order_by("pk").values_list("pk", flat=True))
    for number in range(1, MOMENTS + 1):
        at = plan.created_at + timedelta(minutes=10 * number)
        for start in range(0, len(ids), BATCH):
            some = list(enumerate(ids[start : start + BATCH], start))
            Record.objects.bulk_create(
                [record_of(plan, pk, number, at, n) for n, pk in some], batch_size=1000
            )
            pieces = [
                OutputChunk(target_id=pk, number=number, offset=0, body=b"web is active") for _n, pk in some
            ]
            OutputChunk.objects.bulk_create(pieces, batch_size=1000)


def record_of(plan, target_id, number, at, n):
    from assistant.invocations.models import Record

    failed = (n + number) % FAILED_EVERY == 0
    answer = ANSWERS[0] if (n + number) % DIFFERENT_EVERY else ANSWERS[1 + failed]
    status, code = ("Failed", "ExitCodeNonzero") if failed else ("Success", "")
    ended = {"created_at": at, "started_at": at, "finished_at": at, "exit_code": int(failed)}
    said = {"error_code": code, "output_bytes": 13, "stored_bytes": 13, "digest": answer}
    return Record(
        target_id=target_id, invocation=plan, number=number, fired_at=at, status=status, **ended, **said
    )


def make_rollouts(run_id):
    from assistant.invocations.models import Invocation, Rollout

    newest = list(
        Invocation.objects.filter(finished_at__isnull=False).values_list("pk", flat=True)[:ROLLOUTS]
    )
    ids = sorted({run_id, *newest})
    Invocation.objects.filter(pk__in=ids).update(is_rollout=True)
    Rollout.objects.bulk_create(
        Rollout(invocation_id=pk, at_a_time="10%", state="Done", n_released=100, n_batches=10) for pk in ids
    )


def make_kept(region, user_id, run_id):
    from django.utils import timezone

    from assistant.exports.models import Export
    from assistant.instances.models import Selection
    from assistant.invocations.models import Blackout
    from openapi.models import Webhook

    now = timezone.now()
    Selection.objects.bulk_create(
        Selection(name=f"selection {n}", owner_id=user_id, is_shared=True, filters={"tag": "env=prod"})
        for n in range(KEPT)
    )
    asked = {"form": "csv", "door": "console", "created_by_id": user_id, "status": "Finished"}
    Export.objects.bulk_create(
        Export(
            id=f"e-lo0past{n:08d}",
            invocation_id=run_id,
            finished_at=now,
            expires_at=now + timedelta(days=1),
            **asked,
        )
        for n in range(KEPT)
    )
    Blackout.objects.bulk_create(
        Blackout(
            reason=f"window {n}",
            region=region,
            weekdays="1",
            opens=time(2),
            closes=time(3),
            created_by="bench",
        )
        for n in range(BLACKOUTS)
    )
    Webhook.objects.bulk_create(
        Webhook(name=f"webhook {n}", url="https://127.0.0.1/", user_id=user_id, enabled=False)
        for n in range(WEBHOOKS)
    )
