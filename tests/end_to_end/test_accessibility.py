"""Every page in both themes, looked at by axe: WCAG 2.2 AA."""

import pytest
from axe_playwright_python.sync_playwright import Axe

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = [
    "console/",
    "console/instances/",
    "console/instances/{instance}/",
    "console/instances/{instance}/deregister/",
    "console/activations/",
    "console/activations/create/",
    "console/run/?instance={instance}",
    "console/invocations/",
    "console/invocations/{invocation}/",
    "console/invocations/{invocation}/instances/{instance}/",
    "console/invocations/{invocation}/stop/",
    "console/search/?q=vm",
    "console/password/",
    "console/nothing/",
]


@pytest.fixture(scope="module")
def objects(house):
    found = [one for one in house.document("list_instances") if one["MachineId"].startswith("local-")]
    instance = found[0]["InstanceId"]
    ran = house.document("run_command", "--instance", instance, "--content", "echo hi", "--wait")
    return {"instance": instance, "invocation": ran["InvokeId"]}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_can_be_used_by_everyone(theme, visit, objects):
    page = visit(color_scheme=theme)
    found = {}
    for address in PAGES:
        page.goto(address.format(**objects))
        page.wait_for_load_state("domcontentloaded")
        answer = Axe().run(page, options={"runOnly": {"type": "tag", "values": LEVELS}})
        violations = [
            (one["id"], [node["html"][:160] for node in one["nodes"]])
            for one in answer.response["violations"]
        ]
        if violations:
            found[address] = violations

    assert found == {}
