import shutil
import tempfile
from pathlib import Path

import pytest

from tests.up.house import House, copied


@pytest.fixture(scope="session")
def workshop():
    """A short path: sockets' names are short."""
    folder = Path(tempfile.mkdtemp(prefix="ca-up-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def house(workshop):
    """A console after its first start, with its agent; for tests that leave it as it is."""
    house = House(workshop / "house").start()
    yield house
    house.stop()


@pytest.fixture(scope="session")
def template(workshop):
    """A prepared data folder, for consoles that need no first start."""
    house = House(workshop / "template", "--no-local-agent").start()
    house.stop()
    return house.folder


@pytest.fixture
def place(tmp_path_factory):
    folder = Path(tempfile.mkdtemp(prefix="ca-up-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make_house(template, place):
    """Makes consoles on a copy of the template, and stops them."""
    made = []

    def make(*options, **variables):
        folder = place / f"house-{len(made)}"
        made.append(House(copied(template, folder), *options, **variables))
        return made[-1]

    yield make
    for house in made:
        house.stop()
