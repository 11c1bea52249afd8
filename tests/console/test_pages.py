"""Every page of the assistant: what it costs, what it shows when there is nothing, little and much."""

import re
from datetime import timedelta

import pytest
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver

from assistant.commands.models import Command
from assistant.instances.models import Activation, Instance
from assistant.instances.operations.selections import create_selection
from assistant.invocations.models import Invocation
from tests.commands.factories import saved
from tests.exports.factories import exported
from tests.instances.factories import ActivationFactory, InstanceFactory, RegionFactory
from tests.invocations.factories import blackout, planned, ran, ran_at, report, started, target_of
from tests.openapi.factories import webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(olga):
    instance = InstanceFactory()
    invocation = ran(olga, instance, content="echo hi")
    report(started(target_of(invocation)), body=b"hi\n")
    return invocation


@pytest.fixture
def address(run, olga):
    """The address of a page by its name, with objects that exist."""
    target = target_of(run)
    arguments = {
        "instance_id": target.instance_id,
        "invocation_id": run.pk,
        "export_id": exported(olga, run).pk,
        "activation_id": target.instance.activation_id,
        "command_id": saved(olga).pk,
        "common_name": "CA-ECS-DiskUsage.sh",
        "number": 1,
        "version": "2014-05-26",
        "action_name": "RunCommand",
        "selection_id": create_selection(olga, "web", filters={"q": "web"}).pk,
        "blackout_id": blackout().pk,
        "webhook_id": webhook().pk,
    }

    plan = planned(olga, target.instance, frequency="rate(1h)")
    ran_at(target_of(plan), plan.created_at + timedelta(hours=1), body=b"hi\n")

    def of(name):
        wanted = re.findall(r"<(?:str|int):(\w+)>", PATTERNS[name])
        words = arguments | ({"invocation_id": plan.pk} if name in OF_PLANS else {})
        return reverse(name, kwargs={word: words[word] for word in wanted})

    return of


def patterns(resolver=None, prefix="", namespace=""):
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from patterns(entry, route, inner)
        elif isinstance(entry, URLPattern) and entry.name and not namespace.startswith("admin"):
            yield namespace + entry.name, route


PATTERNS = dict(patterns())

# Pages of a plan that recurs, and of its runs.
OF_PLANS = {
    "invocations:record_detail",
    "invocations:record_output",
    "invocations:record_compare",
    "invocations:invocation_modify",
}

# The rooms of the assistant; those of access have tests of their own, the rules of all are in test_rules.
READING = {
    "api:action_list",
    "api:action_detail",
    "api:document",
    "console:overview",
    "console:search",
    "instances:instance_list",
    "instances:instance_detail",
    "instances:activation_list",
    "instances:activation_arrivals",
    "instances:selection_list",
    "invocations:blackout_list",
    "api:webhook_list",
    "invocations:error_codes",
    "invocations:instance_sent",
    "invocations:invocation_list",
    "invocations:invocation_detail",
    "invocations:target_detail",
    "invocations:target_output",
    "invocations:target_compare",
    "invocations:output_search",
    "invocations:run_zones",
    "invocations:record_detail",
    "invocations:record_output",
    "invocations:record_compare",
    "exports:export_list",
    "exports:export_detail",
    "exports:export_create",
    "commands:command_list",
    "commands:command_detail",
    "commands:command_export",
    "commands:common_list",
    "commands:common_detail",
    "password",
}
# Shows a form or what would be hit; the change is a POST.
FORMS = {
    "instances:instance_rename",
    "instances:instance_tag",
    "instances:instance_deregister",
    "instances:activation_create",
    "invocations:run",
    "invocations:instance_send",
    "invocations:blackout_create",
    "api:webhook_create",
    "invocations:blackout_modify",
    "invocations:invocation_stop",
    "invocations:invocation_run_again",
    "invocations:invocation_run_again_failed",
    "invocations:invocation_modify",
    "commands:command_create",
    "commands:command_clone",
    "commands:command_import",
    "commands:common_copy",
    "commands:command_rename",
    "commands:command_delete",
}
# Forms of what is one's own, which a reader has too.
OWN = {"instances:selection_create", "instances:selection_modify"}
CHANGES = {
    "invocations:blackout_delete",
    "api:webhook_switch",
    "api:webhook_delete",
    "instances:instance_untag",
    "instances:activation_disable",
    "instances:activation_delete",
    "invocations:rollout_confirm",
    "invocations:rollout_stop",
}


def test_the_operator_sees_all(address, as_operator, subtests):
    for name in sorted(READING | FORMS | OWN):
        with subtests.test(name):
            assert as_operator.get(address(name)).status_code == 200


def test_a_reader_sees_what_is_for_reading(address, as_reader, subtests):
    for name in sorted(READING):
        with subtests.test(name):
            assert as_reader.get(address(name)).status_code == 200


WORDS = {
    "instances:instance_rename": {"name": "other"},
    "instances:instance_tag": {"tags": "a=b"},
    "instances:activation_create": {
        "region": "local",
        "instance_name": "web",
        "instance_count": 1,
        "time_to_live_in_hours": 1,
    },
    "invocations:run": {"language": "shell", "content": "true", "timeout": 60},
    "invocations:blackout_create": {"reason": "x", "kind": "clock", "days": "1", "zone": "UTC"},
    "instances:instance_untag": {"key": "a"},
    "commands:command_create": {"name": "x", "language": "shell", "content": "true", "timeout": 60},
    "commands:common_copy": {"name": "x", "language": "shell", "content": "true", "timeout": 60},
    "commands:command_clone": {"name": "x", "language": "shell", "content": "true", "timeout": 60},
    "commands:command_rename": {"name": "x"},
}


def test_a_reader_changes_nothing(address, as_reader, run, subtests):
    before = everything()
    for name in sorted(FORMS | CHANGES):
        with subtests.test(name):
            words = {**WORDS.get(name, {}), "instance": target_of(run).instance_id}

            response = as_reader.post(address(name), words)

            assert response.status_code == 403
            assert everything() == before


def everything():
    return [
        list(model.objects.order_by("pk").values()) for model in (Invocation, Activation, Instance, Command)
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/console/instances/mi-lo0/",
        "/console/instances/mi-lo0/rename/",
        "/console/instances/mi-lo0/deregister/",
        "/console/invocations/t-lo0/",
        "/console/invocations/t-lo0/stop/",
        "/console/invocations/t-lo0/instances/mi-lo0/",
        "/console/activations/x/arrivals/",
        "/console/nothing/",
    ],
)
def test_what_is_not_there_is_not_found(path, as_operator):
    response = as_operator.get(path)

    assert response.status_code == 404
    assert b"<h1>" in response.content
    # In words of our own.
    assert b"given query" not in response.content


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("console:overview", "overview"),
        ("instances:instance_list", "instances"),
        ("instances:instance_detail", "instance"),
        ("instances:activation_list", "activations"),
        ("invocations:invocation_list", "invocations"),
        ("invocations:invocation_detail", "invocation-status"),
        ("invocations:invocation_detail", "invocation-answers"),
        ("invocations:invocation_detail", "invocation-targets"),
        ("invocations:target_detail", "target"),
        ("exports:export_list", "exports"),
        ("exports:export_detail", "export"),
        ("commands:command_list", "commands"),
    ],
)
def test_the_page_and_its_live_part_share_address_and_markup(name, part, address, as_operator):
    page = as_operator.get(address(name)).content.decode()
    fragment = as_operator.get(
        address(name), headers={"HX-Request": "true", "HX-Target": part}
    ).content.decode()

    assert "<html" in page
    assert "<html" not in fragment
    assert f'id="{part}"' in page
    assert f'id="{part}"' in fragment
    assert 'data-live="' in fragment


def test_a_form_is_a_panel_for_htmx(address, as_operator, subtests):
    for name in sorted(FORMS | OWN):
        with subtests.test(name):
            panel = as_operator.get(address(name), headers={"HX-Request": "true"}).content.decode()

            assert 'class="panel"' in panel
            assert "<html" not in panel


# Session and user are two of them.
QUERIES = {
    "api:action_list": 4,
    "api:action_detail": 5,
    "console:overview": 9,
    "instances:instance_list": 8,
    "instances:instance_detail": 7,
    "instances:activation_list": 4,
    "instances:selection_list": 5,
    "invocations:blackout_list": 4,
    "api:webhook_list": 4,
    "invocations:invocation_list": 8,
    "invocations:invocation_detail": 12,
    "invocations:target_detail": 8,
    "invocations:target_compare": 6,
    "invocations:record_detail": 8,
    "invocations:record_compare": 7,
    "invocations:invocation_modify": 9,
    "exports:export_list": 4,
    "exports:export_detail": 4,
    "commands:command_list": 6,
    "commands:command_detail": 4,
    "commands:common_list": 4,
    "commands:common_detail": 4,
    "invocations:run": 10,
}


@pytest.mark.parametrize("size", [1, 60])
def test_the_number_of_queries_does_not_grow(
    size, address, as_operator, olga, django_assert_max_num_queries, subtests
):
    instances = InstanceFactory.create_batch(size)
    for instance in instances[:20]:
        instance.tags.create(key="env", value="prod")
        ran(olga, instance)
    ActivationFactory.create_batch(size)

    for name in sorted(QUERIES):
        with subtests.test(name), django_assert_max_num_queries(QUERIES[name]):
            as_operator.get(address(name))


def test_regions_are_switched_where_a_list_is_filtered_by_them(address, as_operator, subtests):
    RegionFactory(id="north", name="North", code="no")
    filtered = {"instances:instance_list", "invocations:invocation_list", "commands:command_list"}

    for name in sorted(filtered | {"console:overview", "invocations:invocation_detail"}):
        with subtests.test(name):
            page = as_operator.get(address(name)).content.decode()

            assert ("?region=north" in page) == (name in filtered)


def test_headers_of_every_page(as_operator, address):
    response = as_operator.get(address("console:overview"))

    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "Strict-Transport-Security" not in response


def test_a_long_output_is_followed_while_it_comes_and_begins_at_its_beginning_afterwards(olga, as_operator):
    target = started(target_of(ran(olga)))
    for number in range(20):
        report(target, "running", body=f"line {number} ".encode() + b"." * 8000 + b"\n")
    address = reverse("invocations:target_detail", args=[target.invocation_id, target.instance_id])

    running = as_operator.get(address).content.decode()
    report(target, body=b"the end\n")
    ended = as_operator.get(address).content.decode()

    assert "line 19 " in running
    assert "line 0 " not in running
    assert "dropped here" not in running
    assert "line 0 " in ended
    assert "the end" not in ended


def test_a_run_is_stopped_from_its_own_page_while_it_is_open(olga, as_operator):
    target = started(target_of(ran(olga)))
    address = reverse("invocations:target_detail", args=[target.invocation_id, target.instance_id])
    stop = (
        f"{reverse('invocations:invocation_stop', args=[target.invocation_id])}?instance={target.instance_id}"
    )

    running = as_operator.get(address).content.decode()
    report(target)
    ended = as_operator.get(address).content.decode()

    assert stop in running
    assert stop not in ended
