"""Which files go first: a worker that begins a long one last keeps all others waiting for its end."""

from functools import cache

import pytest

# Their tests wait for processes, and some take minutes; those of other rooms are over in seconds.
FIRST = ("tests/end_to_end/", "tests/up/", "tests/agent/", "tests/openapi/test_sdks.py", "tests/console/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: rank(item.nodeid.partition("::")[0]))


@cache
def rank(file):
    return next((number for number, name in enumerate(FIRST) if file.startswith(name)), len(FIRST))
