"""Laws of the house that no linter knows."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from access.operations.calls import OPERATIONS

ROOT = Path(__file__).parent.parent
ROOMS = ["access", "assistant", "console", "gateway", "openapi"]
MODULES = sorted(
    path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").rglob("*.css"))
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))


def named(path):
    return str(path.relative_to(ROOT))


# A run's status is decided in the tables and carried by the pure functions beside them.
STATUS_MAY_BE_SET = {
    "assistant/invocations/states.py",
    "assistant/invocations/rules/progress.py",
    "assistant/invocations/rules/recurring.py",
}


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_only_state_machines_assign_a_status(path):
    lines = [
        target.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute) and target.attr == "status"
    ]

    assert named(path) in STATUS_MAY_BE_SET or not lines, f"assigns .status on line {lines}"


DOORS = [path for path in MODULES if path.name in ("views.py", "tasks.py", "receivers.py", "admin.py")]


@pytest.mark.parametrize("path", DOORS, ids=named)
def test_doors_fetch_only_what_may_be_seen(path):
    assert ".objects.get(" not in path.read_text()


def operation_modules():
    for path in MODULES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        if "operations" in parts and path.name != "__init__.py":
            yield ".".join(parts)


def declared_operations():
    for module in operation_modules():
        import_module(module)
    return sorted(OPERATIONS)


@pytest.mark.parametrize("name", declared_operations())
def test_operations_take_the_principal_first(name):
    module, _dot, function = name.rpartition(".")

    first = next(iter(inspect.signature(getattr(import_module(module), function)).parameters))

    assert first == "principal"


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_fragments_and_components_begin_with_what_they_need(path):
    if path.name.startswith("_"):
        assert path.read_text().startswith("{#"), "the first line says what it is and what it needs"


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_templates_hold_no_script_style_or_unescaped_text(path):
    text = path.read_text()

    assert not re.search(r"\|\s*safe\b|autoescape off", text)
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"|javascript:", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", text)


@pytest.mark.parametrize("path", STYLES, ids=named)
def test_styles_keep_to_the_tokens(path):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)

    assert "!important" not in text
    assert not re.search(r"(^|[\s,>+~])#[a-zA-Z][\w-]*[^;{}]*\{", text), "an id in a selector"
    assert len(text.splitlines()) <= 160
    if path.name != "tokens.css":
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", text), "a raw colour"
        assert not re.search(r"(?<![\w.-])(?!0px|1px)\d+px", text), "a raw size"


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_scripts_build_no_html(path):
    text = path.read_text()

    assert text.startswith("// @ts-check")
    assert not re.search(r"innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(", text)
    assert not re.search(r"\bvar\s|==(?!=)(?<!===)(?<!!==)(?<![!=]==)", text)


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_modules_stay_readable(path):
    assert len(path.read_text().splitlines()) <= 450
