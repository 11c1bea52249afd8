"""`make test`: everything on SQLite, then what touches the database once more on PostgreSQL."""

import os
import shutil
import subprocess
import sys

from tests import postgres

# Rules, scripts and looks, or processes that bring a database: the second round tells nothing new of them.
SQLITE_ONLY = [
    f"--ignore=tests/{path}"
    for path in (
        "up",
        "agent",
        "ca",
        "test_house_rules.py",
        "access/test_documents.py",
        "access/test_engine.py",
        "access/test_provider_errors.py",
        "access/test_sentences.py",
        "access/test_single_sign_on_settings.py",
        "commands/test_catalogue.py",
        "commands/test_catalogue_scripts.py",
        "commands/test_parameter_rules.py",
        "end_to_end/test_accessibility.py",
        "end_to_end/test_bad_weather.py",
        "end_to_end/test_ca.py",
        "end_to_end/test_colleague.py",
        "end_to_end/test_crowd.py",
        "end_to_end/test_plans.py",
        "end_to_end/test_reference_timing.py",
        "end_to_end/test_run_panel.py",
        "end_to_end/test_single_sign_on.py",
        "invocations/test_colours.py",
        "invocations/test_cron.py",
        "invocations/test_plan_sentences.py",
        "invocations/test_plans.py",
        "openapi/test_document.py",
        "openapi/test_reference.py",
        "openapi/test_sdks.py",
        "openapi/test_shapes.py",
        "openapi/test_signatures.py",
    )
]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NO_TESTS = 5


def main(arguments: list[str]) -> int:
    bring_browser()
    for name, run in (("SQLite", on_sqlite), ("PostgreSQL", on_postgresql)):
        print(f"== {name}", flush=True)
        failed = run(arguments)
        # A narrowed run may have nothing on one of the two.
        if failed and not (arguments and failed == NO_TESTS):
            return failed
    return 0


def on_sqlite(arguments: list[str]) -> int:
    return pytest(arguments, {})


def on_postgresql(arguments: list[str]) -> int:
    with postgres.server() as url:
        return pytest([*SQLITE_ONLY, *arguments], {"DATABASE_URL": url})


def bring_browser() -> None:
    """Install Chromium where there is none and one may; tests that need it say so where one may not."""
    if any(shutil.which(name) for name in BROWSERS) or os.getuid() != 0 or not shutil.which("apt-get"):
        return
    print("== Installing Chromium for the tests (Debian's package)", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", "-q", *words], env=quiet, stdout=subprocess.DEVNULL, check=False)


def pytest(arguments: list[str], environment: dict[str, str]) -> int:
    # By file: what a file's tests share (a whole console, a browser) is made once. In the order of tests/order.py.
    # Three on two cores, because many tests wait for other processes.
    words = ["-q", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
    surroundings = {**os.environ, **environment}
    # Where nothing compiled is kept, each of some hundred processes would compile the project anew.
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "pytest", *words, *arguments]
    return subprocess.run(command, env=surroundings, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
