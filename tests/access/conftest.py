"""A provider for single sign-on, and somebody whom it knows."""

import pytest

from access.models import User
from tests.access.provider import CALLBACK, running_provider

ANNA = {"email": "Anna@example.org", "email_verified": True, "preferred_username": "anna", "name": "Anna A."}


@pytest.fixture(scope="module")
def the_provider():
    with pytest.MonkeyPatch.context() as patch, running_provider() as provider:
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        yield provider


@pytest.fixture
def provider(the_provider, settings):
    """Well-behaved, and with a client of the test's own."""
    settings.SINGLE_SIGN_ON = the_provider.register(f"http://testserver{CALLBACK}")
    the_provider.add("s-anna", **ANNA)
    yield the_provider
    the_provider.behave()


@pytest.fixture
def anna(db):
    return User.objects.create_user("anna.a", "anna@EXAMPLE.org")
