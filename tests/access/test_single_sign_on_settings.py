"""Single sign-on as the environment switches it on and off."""

import os
import subprocess
import sys

import pytest

from console import env
from tests.waiting import PATIENCE_SECONDS

GOOD = {"OIDC_ISSUER": "https://id.example/", "OIDC_CLIENT_ID": "console", "OIDC_CLIENT_SECRET": "s3cret"}


@pytest.fixture
def surroundings(monkeypatch):
    for name in [name for name in os.environ if name.startswith("OIDC_")]:
        monkeypatch.delenv(name)

    def put(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return put


def test_it_is_configured_by_the_environment(surroundings, tmp_path):
    (tmp_path / "secret").write_text("from a file\n")
    surroundings(
        **GOOD, OIDC_NAME="Our ID", OIDC_CREATE_USERS="true", OIDC_CLIENT_SECRET_FILE=tmp_path / "secret"
    )

    found = env.single_sign_on()

    assert found == env.SingleSignOn("https://id.example", "console", "from a file", "Our ID", True)


@pytest.mark.parametrize(
    ("issuer", "kept"),
    [
        ("https://id.example", "https://id.example"),
        ("https://id.example/realms/one/", "https://id.example/realms/one"),
        ("https://id.example/.well-known/openid-configuration", "https://id.example"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ],
)
def test_an_issuer_is_kept_as_it_calls_itself(issuer, kept, surroundings):
    surroundings(**{**GOOD, "OIDC_ISSUER": issuer})

    assert (env.single_sign_on().issuer, bool(env.single_sign_on().name)) == (kept, True)


def test_nothing_configured_is_nothing(surroundings):
    assert env.single_sign_on() is None


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"OIDC_ISSUER": "https://id.example"}, "lacks OIDC_CLIENT_ID and OIDC_CLIENT_SECRET"),
        ({**GOOD, "OIDC_CLIENT_SECRET": ""}, "lacks OIDC_CLIENT_SECRET"),
        ({"OIDC_NAME": "Our ID"}, "lacks OIDC_ISSUER"),
        ({"OIDC_CREATE_USERS": "true"}, "lacks OIDC_ISSUER"),
        ({**GOOD, "OIDC_CREATE_USERS": "maybe"}, "OIDC_CREATE_USERS"),
        ({**GOOD, "OIDC_ISSUER": "http://id.example"}, "say https://"),
        ({**GOOD, "OIDC_ISSUER": "id.example"}, "say https://"),
        ({**GOOD, "OIDC_ISSUER": "https://me:pass@id.example"}, "is 'id.example'"),
        ({**GOOD, "OIDC_ISSUER": "https://id.example/?x=1"}, "say https://"),
        ({**GOOD, "OIDC_ISSUER": "https://id.example/" + "x" * 200}, "longer than"),
        ({**GOOD, "OIDC_CLIENT_SECRET_FILE": "/nonexistent"}, "cannot be read"),
    ],
)
def test_half_a_configuration_stops_the_start_with_a_sentence(variables, words, surroundings):
    surroundings(**variables)

    with pytest.raises(env.SettingWrong, match=words) as stopped:
        env.single_sign_on()
    assert "s3cret" not in str(stopped.value)


LOADED = """
import sys, django
from django.conf import settings
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
django.setup()
from django.urls import NoReverseMatch, reverse
from django.test import Client
try:
    reverse("access:sso_start")
except NoReverseMatch:
    print("no address")
page = Client().get("/console/sign-in/", headers={"host": "localhost"}).content.decode()
print("no button" if "Sign in with" not in page else page)
print(sorted(name for name in sys.modules if name.split(".")[0] in ("allauth", "requests", "jwt")))
"""


def test_switched_off_nothing_of_it_is_loaded(tmp_path):
    variables = {name: value for name, value in os.environ.items() if not name.startswith("OIDC_")}
    variables |= {"DJANGO_SETTINGS_MODULE": "console.settings", "DATA_DIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )

    assert done.stdout.splitlines() == ["no address", "no button", "[]"], done.stderr
