"""Who comes in where: every address, walked by nobody, without permission, with it, and with one that does not hold."""

import ast
from datetime import timedelta
from importlib import import_module
from itertools import product
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.urls import get_resolver, reverse
from django.urls.converters import IntConverter
from django.urls.resolvers import URLPattern, URLResolver

from access.models import AuditEntry, Policy, PolicyAttachment, PolicyVersion, Role, User
from access.operations.calls import OPERATIONS
from access.operations.groups import create_group
from access.rules import actions
from assistant.instances.models import Activation, Instance
from assistant.instances.operations.selections import create_selection
from assistant.invocations.models import Invocation, Target
from tests.commands.factories import saved
from tests.conftest import put_policy
from tests.exports.factories import exported
from tests.invocations.factories import blackout, planned, ran, ran_at, report, started, target_of
from tests.openapi.factories import webhook
from tests.test_house_rules import operation_modules

pytestmark = pytest.mark.django_db

# Health, files for new servers, the programs' door, signing in.
OPEN = {
    "root",
    "healthz",
    "readyz",
    "download_ca",
    "download_installer",
    "download_agent",
    "sign_in",
    "sign_in_number",
    "access:sso_start",
    "access:sso_callback",
}


def addresses(resolver=None, namespace=""):
    """Every named address but those of the administration site: name → (pattern, view)."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            if entry.namespace != "admin":
                yield from addresses(entry, inner)
        elif isinstance(entry, URLPattern) and entry.name:
            yield namespace + entry.name, entry


ADDRESSES = dict(addresses())
RULES = {name: getattr(entry.callback, "rule", None) for name, entry in ADDRESSES.items()}
ASKED = sorted(name for name, rule in RULES.items() if rule and rule != ("own",))
CLOSED = sorted(set(ADDRESSES) - OPEN)


def test_every_address_has_a_rule_or_is_open():
    is_open = {
        name for name, entry in ADDRESSES.items() if not getattr(entry.callback, "login_required", True)
    }

    assert is_open <= OPEN
    assert {name for name in ADDRESSES if not RULES[name]} <= is_open


def test_every_rule_names_actions_that_there_are():
    named = {action for name in ASKED for action in RULES[name]}

    assert not {action for action in named if actions.known(action) is None}


# These write an entry of the trail without being an operation of their own, and why that is right.
PARTS_OF_OPERATIONS = {
    "register_instance": "the agents' door: an activation code is the permission",
    "instance_left": "the agents' door: the server's own signature is",
    "create_link": "part of recognise and of linking oneself, which have asked",
    "tell_of_run": "part of run_command and invoke_command, which have asked",
    "begin_restart": "part of run_command and invoke_command; it asks for the restart itself",
    "break_off": "the end of an export that nobody asked for; create_export has asked",
}


def remembering():
    """Functions of operation modules that write into the audit trail: (module, name, how it is declared)."""
    for module in operation_modules():
        for node in ast.walk(ast.parse(Path(import_module(module).__file__).read_text())):
            if isinstance(node, ast.FunctionDef):
                calls = [
                    one.func.id
                    for one in ast.walk(node)
                    if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)
                ]
                if "record" in calls:
                    yield module, node.name, [ast.unparse(one) for one in node.decorator_list]


@pytest.mark.parametrize(
    ("module", "name", "decorators"), [pytest.param(*one, id=f"{one[0]}.{one[1]}") for one in remembering()]
)
def test_what_is_remembered_was_asked_for(module, name, decorators):
    is_declared = any(one.startswith("operation(") for one in decorators)

    assert is_declared is (f"{module}.{name}" in OPERATIONS)
    assert is_declared or name in PARTS_OF_OPERATIONS


@pytest.fixture
def world(olga, operator):
    """One of everything that an address can name."""
    invocation = ran(olga)
    report(started(target_of(invocation)), body=b"hi\n")
    target = target_of(invocation)
    plan = planned(olga, target.instance, frequency="rate(1h)")
    ran_at(target_of(plan), plan.created_at + timedelta(hours=1), body=b"hi\n")
    create_group(olga, "web-team")
    role = Role.objects.create(name="deployer")
    policy = put_policy("lister", permission("ecs:List*"))
    for place in ({"user": operator}, {"group": Group.objects.get()}, {"role": role}):
        PolicyAttachment.objects.create(policy=policy, **place)
    return {
        "instance_id": target.instance_id,
        "invocation_id": invocation.pk,
        "plan_id": plan.pk,
        "export_id": exported(olga, invocation).pk,
        "activation_id": target.instance.activation_id,
        "command_id": saved(olga).pk,
        "common_name": "CA-ECS-DiskUsage.sh",
        "username": "olga",
        "group_name": "web-team",
        "role_name": "deployer",
        "name": "deployer",
        "policy_name": "lister",
        "number": 1,
        "key_id": "LTAInone",
        "handle": "none",
        "entry_id": AuditEntry.objects.first().pk,
        "region_id": "local",
        "blackout_id": blackout().pk,
        "webhook_id": webhook().pk,
        "selection_id": create_selection(olga, "web", filters={"q": "web"}).pk,
        "version": "2014-05-26",
        "action_name": "DescribeRegions",
    }


# Parts of addresses that mean something else on one page than on the others.
OWN_WORDS = {
    "access:quota_update": {"name": "max-axt-command-count"},
    "access:quota_reset": {"name": "max-axt-command-count"},
}

OF_PLANS = {"invocations:record_detail", "invocations:record_output", "invocations:record_compare"}


def address(name, world):
    words = world | OWN_WORDS.get(name, {})
    if name in OF_PLANS:
        words["invocation_id"] = words["plan_id"]
    parts = ADDRESSES[name].pattern.converters
    return reverse(name, kwargs={part: words[part] for part in parts})


def test_parts_of_addresses_are_texts_or_whole_numbers():
    kinds = {type(one) for entry in ADDRESSES.values() for one in entry.pattern.converters.values()}

    assert {kind.__name__ for kind in kinds} <= {"StringConverter", IntConverter.__name__}


def test_nobody_is_sent_to_sign_in(world, as_nobody, subtests):
    for name, visit in product(CLOSED, (as_nobody.get, as_nobody.post)):
        with subtests.test(name):
            response = visit(address(name, world))

            assert response.status_code == 302
            assert response["Location"].startswith("/console/sign-in/")


def test_without_a_policy_the_door_is_closed_and_says_what_is_missing(world, somebody, subtests):
    paul = somebody("paul")

    for name, visit in product(ASKED, (paul.client.get, paul.client.post)):
        with subtests.test(name):
            response = visit(address(name, world))

            assert response.status_code == 403
            assert RULES[name][0] in response.content.decode()


LOOKING = ["*:Describe*", "*:List*", "*:Get*", "actiontrail:LookupEvents"]


def permission(*wanted, **condition):
    one = {"Effect": "Allow", "Action": list(wanted), "Resource": "*"}
    return one | ({"Condition": condition} if condition else {})


def test_with_its_actions_and_those_to_look_it_opens(world, somebody, subtests):
    for name in ASKED:
        with subtests.test(name):
            paul = somebody(f"paul-{ASKED.index(name)}", permission(*RULES[name], *LOOKING))

            response = paul.client.get(address(name, world))

            assert response.status_code in (200, 302, 405), response.content.decode()[:2000]


# Nothing that a request carries lies before that day.
NEVER = {"DateLessThan": {"acs:CurrentTime": "2001-01-01"}}


def everything():
    """What a change would show in."""
    models = [
        Activation,
        Instance,
        Invocation,
        Target,
        Policy,
        PolicyAttachment,
        PolicyVersion,
        Role,
        User,
        Group,
    ]
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


def test_with_a_condition_that_does_not_hold_nothing_is_shown_and_nothing_changes(world, somebody, subtests):
    shown = [world[part] for part in ("instance_id", "invocation_id", "activation_id", "command_id")]

    for name in ASKED:
        with subtests.test(name):
            paul = somebody(f"paul-{ASKED.index(name)}", permission(*RULES[name], *LOOKING, **NEVER))
            before = everything()

            seen = paul.client.get(address(name, world))
            done = paul.client.post(address(name, world), {"instance": world["instance_id"], "name": "x"})

            assert seen.status_code in (200, 403, 404, 405)
            if seen.status_code == 200 and not ADDRESSES[name].pattern.converters:
                assert not [one for one in shown if one in seen.content.decode()]
            assert done.status_code in (200, 400, 403, 404, 405, 422)
            assert everything() == before
