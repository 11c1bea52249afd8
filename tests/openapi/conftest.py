import pytest

from access.operations.access_keys import create_access_key
from tests.instances.factories import RegionFactory
from tests.openapi.calls import Program


@pytest.fixture
def program_of(db, olga):
    """A program that acts for a user, in an installation with a region: a test before may have emptied the tables."""
    RegionFactory()

    def make(user):
        user.api_access = True
        user.save(update_fields=["api_access"])
        new = create_access_key(olga, user)
        return Program(new.key.pk, new.secret)

    return make


@pytest.fixture
def program(program_of, operator):
    return program_of(operator)
