"""Every page in both themes, looked at by axe: WCAG 2.2 AA."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = [
    "console/",
    "console/instances/",
    "console/instances/{instance}/",
    "console/instances/{instance}/deregister/",
    "console/instances/{instance}/send/",
    "console/selections/",
    "console/selections/create/?tag=env%3Dprod",
    "console/results/errors/",
    "console/run/?again={invocation}&all=1",
    "console/activations/",
    "console/activations/create/",
    "console/run/?instance={instance}",
    "console/invocations/",
    "console/blackout-windows/",
    "console/blackout-windows/create/",
    "console/invocations/{invocation}/",
    "console/invocations/{invocation}/instances/{instance}/",
    "console/invocations/{invocation}/instances/{instance}/compare/",
    "console/invocations/{invocation}/stop/",
    "console/invocations/{plan}/",
    "console/invocations/{plan}/add/",
    "console/invocations/{plan}/stop/",
    "console/run/?plan=clock&instance={instance}",
    "console/invocations/{invocation}/export/",
    "console/exports/",
    "console/search/?q=vm",
    "console/password/",
    "console/nothing/",
    "console/commands/",
    "console/commands/create/",
    "console/commands/common/",
    "console/commands/common/CA-ECS-ServiceRestart.sh/",
    "console/run/?common=CA-ECS-ServiceRestart.sh",
    "console/account/",
    "console/account/second-factor/",
    "console/account/sessions/",
    "console/access/users/",
    "console/access/create-user/",
    "console/access/users/ana/",
    "console/access/users/ana/attach/",
    "console/access/groups/",
    "console/access/roles/",
    "console/access/policies/",
    "console/access/policies/lister/",
    "console/access/policies/lister/update/",
    "console/access/create-policy/",
    "console/access/simulator/?user=ana&action=ecs:RunCommand&resource=*",
    "console/access/password-policy/",
    "console/access/quotas/",
    "console/access/audit/",
    "console/access/audit/export/",
    "console/api/",
    "console/api/2014-05-26/RunCommand/",
]


# Both themes have the same pages in other colours.
RULES = {"light": {"type": "tag", "values": LEVELS}, "dark": {"type": "rule", "values": ["color-contrast"]}}
# Only an experimental rule reads the style sheets' text, for which axe would fetch all of them anew on every page.
PRELOAD = {"assets": ["media"]}


@pytest.fixture(scope="module")
def objects(house, workshop):
    instance = house.own_instance()["InstanceId"]
    ran = house.document("run_command", "--instance", instance, "--content", "echo hi", "--wait")
    plan = house.document(
        "run_command", "--instance", instance, "--content", "echo hi", "--frequency", "rate(1h)"
    )
    policy = workshop / "lister.json"
    statement = {"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"}
    policy.write_text(json.dumps({"name": "lister", "document": {"Version": "1", "Statement": [statement]}}))
    house.document("put_policy", policy)
    house.document("create_user", "ana", "--policy", "lister")
    return {"instance": instance, "invocation": ran["InvokeId"], "plan": plan["InvokeId"]}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_can_be_used_by_everyone(theme, visit, objects):
    page = visit(color_scheme=theme)
    found = {}
    for address in PAGES:
        page.goto(address.format(**objects))
        page.wait_for_load_state("domcontentloaded")
        answer = Axe().run(page, options={"runOnly": RULES[theme], "preload": PRELOAD})
        violations = [
            (one["id"], [node["html"][:160] for node in one["nodes"]])
            for one in answer.response["violations"]
        ]
        if violations:
            found[address] = violations

    assert found == {}
