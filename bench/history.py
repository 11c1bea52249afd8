"""A database with a past: instances, runs on them, results with output. Written in bulk, not through operations."""

from datetime import timedelta

LARGE = 10_000
SMALL = 100
BATCH = 20_000
UNUSABLE = "!"
# Of twenty servers one answers differently, and of those one in five fails.
DIFFERENT_EVERY = 20
FAILED_EVERY = 100
ANSWERS = ["5a" * 16, "c3" * 16, "7e" * 16]

WRITE_CHUNKS = """
    INSERT INTO invocations_outputchunk (target_id, number, "offset", body)
    SELECT id, 0, 0, CAST('web is active since Monday; load average 0.10 0.12 0.09; ok' AS {binary})
    FROM invocations_target WHERE id > %s
"""


def fill(region, *, instances, targets, user_id=None):
    """Half of the targets in runs on every instance, half in runs on a hundred. Gives one large run's id."""
    names = make_instances(region, instances)
    n_large = max(1, targets // 2 // instances)
    n_small = max(0, targets - n_large * instances) // SMALL
    sizes = spaced(n_large, n_small, instances)
    runs = make_runs(region, sizes, user_id)
    write_targets(runs, sizes, names)
    analyze()
    return next(run.pk for run, size in reversed(list(zip(runs, sizes, strict=True))) if size == instances)


def spaced(n_large, n_small, size):
    """The large ones evenly among the small ones."""
    step = max(1, n_small // n_large)
    sizes = [SMALL] * n_small
    for number in range(n_large):
        sizes.insert(number * (step + 1), size)
    return sizes


def make_instances(region, number):
    from django.utils import timezone

    from assistant.instances.models import Activation, Instance, Tag

    now = timezone.now()
    activation = Activation.objects.create(
        id="bench-history", region=region, expires_at=now + timedelta(hours=1), created_by="bench"
    )
    shared = {"region": region, "activation": activation, "os_type": "linux", "default_username": "root"}
    shared |= {"os_version": "Debian GNU/Linux 12 (bookworm)", "public_key": "-", "channel": "bench"}
    names = [f"mi-lo0past{n:08d}" for n in range(number)]
    rows = [
        Instance(
            id=pk,
            machine_id=pk,
            name=f"web-{n:05d}",
            hostname=f"web-{n:05d}.example",
            intranet_ip=f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}",
            # One in ten is away.
            last_seen_at=now + timedelta(hours=1) if n % 10 else now - timedelta(hours=1),
            **shared,
        )
        for n, pk in enumerate(names)
    ]
    Instance.objects.bulk_create(rows, batch_size=1000)
    tags = [Tag(instance_id=pk, key="env", value="prod" if n % 2 else "test") for n, pk in enumerate(names)]
    Tag.objects.bulk_create(tags, batch_size=5000)
    return names


def make_runs(region, sizes, user_id):
    from django.utils import timezone

    from assistant.commands.models import Command
    from assistant.invocations.models import Invocation

    now = timezone.now()
    moments = [now - timedelta(minutes=len(sizes) - n) for n in range(len(sizes))]
    shared = {"region": region, "timeout": 60, "created_by_id": user_id}
    commands = [
        Command(
            id=f"c-lo0past{n:08d}", type="RunShellScript", content="uptime", name=f"check {n % 50}", **shared
        )
        for n in range(len(sizes))
    ]
    Command.objects.bulk_create(commands, batch_size=1000)
    runs = [
        Invocation(
            id=f"t-lo0past{n:08d}",
            command=commands[n],
            door="console",
            created_at=moments[n],
            finished_at=moments[n],
            status="PartialFailed",
            n_total=size,
            n_success=size - size // FAILED_EVERY,
            n_failed=size // FAILED_EVERY,
            **shared,
        )
        for n, size in enumerate(sizes)
    ]
    Invocation.objects.bulk_create(runs, batch_size=1000)
    return runs


def write_targets(runs, sizes, names):
    from django.db import connection, transaction

    from assistant.invocations.models import Target

    last = Target.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    rows = []
    columns = target_columns()
    names_of = ", ".join(columns)
    write = f"INSERT INTO invocations_target ({names_of}) VALUES ({', '.join(['%s'] * len(columns))})"  # noqa: S608
    with transaction.atomic(), connection.cursor() as cursor:
        for number, (run, size) in enumerate(zip(runs, sizes, strict=True)):
            start = 0 if size == len(names) else number * SMALL % (len(names) - SMALL)
            rows += [target_row(columns, run, pk, n) for n, pk in enumerate(names[start : start + size])]
            if len(rows) >= BATCH or number == len(runs) - 1:
                cursor.executemany(write, rows)
                rows = []
        binary = "BLOB" if connection.vendor == "sqlite" else "bytea"
        cursor.execute(WRITE_CHUNKS.format(binary=binary), [last])


def target_columns():
    """Every column of a target with what it begins with, in the order of the table."""
    from assistant.invocations.models import Target

    fields = Target._meta.concrete_fields  # noqa: SLF001 - Django's documented way to them
    return {field.column: field.get_default() for field in fields if not field.primary_key}


def target_row(columns, run, instance_id, n):
    failed = n % FAILED_EVERY == 0
    answer = ANSWERS[0] if n % DIFFERENT_EVERY else ANSWERS[1 + failed]
    at = run.created_at
    status, code, exit_code = ("Failed", "ExitCodeNonzero", 1) if failed else ("Success", "", 0)
    facts = {
        "invocation_id": run.pk,
        "instance_id": instance_id,
        "status": status,
        "username": "root",
        "created_at": at,
        "delivered_at": at,
        "started_at": at,
        "finished_at": at,
        "exit_code": exit_code,
        "error_code": code,
        "output_bytes": 60,
        "stored_bytes": 60,
        "digest": answer,
    }
    return tuple((columns | facts).values())


def analyze():
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def fill_access(*, users=1000, policies=200, of_operator=20):
    """Users in one group, policies, and one user with twenty of them: what is open is tagged env=prod."""
    import json

    from django.contrib.auth.models import Group

    from access.models import Policy, PolicyAttachment, PolicyVersion, User

    made = [User(username=f"user-{number:04d}", password=UNUSABLE) for number in range(users)]
    User.objects.bulk_create(made)
    group = Group.objects.create(name="everybody")
    group.user_set.set(User.objects.filter(username__startswith="user-"))
    Policy.objects.bulk_create(Policy(name=f"policy-{number:03d}") for number in range(policies))
    custom = list(Policy.objects.filter(name__startswith="policy-").order_by("name"))
    PolicyVersion.objects.bulk_create(
        PolicyVersion(policy=one, number=1, document=json.dumps(document(number)), created_by="bench")
        for number, one in enumerate(custom)
    )
    operator = User.objects.get(username="user-0000")
    PolicyAttachment.objects.bulk_create(
        PolicyAttachment(policy=one, user=operator) for one in custom[:of_operator]
    )


def document(number):
    """The first opens what is tagged env=prod; the others open, and close, a server each."""
    opened = {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}
    if number == 0:
        opened |= {"Condition": {"StringEquals": {"ecs:tag/env": "prod", "ecs:CommandRunAs": "deploy"}}}
    else:
        opened |= {
            "Resource": [f"acs:ecs:local:*:instance/mi-lo0past{number:08d}", "acs:ecs:local:*:command/*"]
        }
    closed = {"Effect": "Deny", "Action": "ecs:*", "Resource": f"acs:ecs:*:*:instance/mi-lo1past{number}*"}
    return {"Version": "1", "Statement": [opened, closed]}
