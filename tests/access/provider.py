"""A real OpenID Connect provider in this process, which can be told to misbehave."""

import io
import json
import logging
import re
import threading
import warnings
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

from access.models import User
from console.env import SingleSignOn
from tests.waiting import PATIENCE_SECONDS

with warnings.catch_warnings():
    # Of the provider's own libraries, about each other; the first has itself heard whatever others say.
    import authlib.deprecate

    warnings.simplefilter("ignore", authlib.deprecate.AuthlibDeprecationWarning)
    import oidc_provider_mock

# Every request in the colours of a terminal.
logging.getLogger("werkzeug").setLevel(logging.ERROR)

# What the provider's own libraries say about each other while it answers.
QUIET = [
    pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),
]

DISCOVERY = "/.well-known/openid-configuration"
TOKEN = "/oauth2/token"
USER_INFO = "/userinfo"

# The console's own addresses.
START = "/console/access/single-sign-on/"
CALLBACK = "/console/access/single-sign-on/callback/"


class Provider:
    """The provider behind a wrapper that notes what it is asked and spoils what it answers."""

    def __init__(self):
        self.mock = oidc_provider_mock.app(require_client_registration=True, require_nonce=True)
        self.asked = []
        self.spoils = {}
        self.released = threading.Event()
        self.server = make_server("127.0.0.1", 0, self, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def __call__(self, environ, start_response):
        request = Request(environ)
        sent = request.get_data()
        environ["wsgi.input"] = io.BytesIO(sent)
        self.asked.append((request.path, dict(parse_qsl(sent.decode()))))
        body, status, headers = run_wsgi_app(self.mock, environ)
        response = Response(b"".join(body), status, headers)
        spoil = self.spoils.get(request.path)
        return (spoil(response) if spoil else response)(environ, start_response)

    def calls(self, path):
        return [form for asked, form in self.asked if asked == path]

    def behave(self):
        """As if new, but for those whom it knows."""
        self.released.set()
        self.released = threading.Event()
        self.spoils.clear()
        self.asked.clear()

    # --- As its administrator ---

    def register(self, *callbacks, method="client_secret_basic", **more):
        """The console as a client; what the console has to be told."""
        body = {"redirect_uris": callbacks, "token_endpoint_auth_method": method}
        client = requests.post(f"{self.url}/oauth2/clients", json=body, timeout=PATIENCE_SECONDS).json()
        return SingleSignOn(self.url, client["client_id"], client["client_secret"], "Example ID", **more)

    def add(self, sub, **claims):
        requests.put(f"{self.url}/users/{sub}", json=claims, timeout=PATIENCE_SECONDS).raise_for_status()

    # --- Misbehaving ---

    def spoil(self, path, **changes):
        """Change members of the JSON at a path; None takes one away."""
        self.spoils[path] = lambda response: changed_json(response, changes)

    def spoil_id_token(self, **changes):
        def spoiled(response):
            token = json.loads(response.data)
            said = jwt.decode(token["id_token"], options={"verify_signature": False})
            claims = changed(said, changes)
            # Nobody looks at the signature of what comes from the provider itself.
            return changed_json(response, {"id_token": jwt.encode(claims, "k" * 32, algorithm="HS256")})

        self.spoils[TOKEN] = spoiled

    def answer(self, path, text, *, status=200, content_type="application/json"):
        self.spoils[path] = lambda _response: Response(text, status, content_type=content_type)

    def hang(self, path):
        released = self.released

        def wait(response):
            released.wait(PATIENCE_SECONDS)
            return response

        self.spoils[path] = wait


def changed(members, changes):
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def changed_json(response, changes):
    body = json.dumps(changed(json.loads(response.data), changes))
    return Response(body, response.status, content_type="application/json")


@contextmanager
def running_provider():
    provider = Provider()
    provider.thread.start()
    try:
        yield provider
    finally:
        provider.released.set()
        provider.server.shutdown()
        provider.thread.join()
        provider.server.server_close()


def sign_in_there(location, **form):
    """Press a button on the provider's page; the path and query to which it sends the browser back."""
    response = requests.post(location, data=form, allow_redirects=False, timeout=PATIENCE_SECONDS)
    assert response.status_code == 302, response.text
    parts = urlsplit(response.headers["Location"])
    return f"{parts.path}?{parts.query}"


def query_of(location):
    return dict(parse_qsl(urlsplit(location).query))


# --- The console at the other end ---


def come_in(client, sub="s-anna", **query):
    left = client.get(START, query)
    assert left.status_code == 302, left.content
    return client.get(sign_in_there(left["Location"], sub=sub))


def link(client, sub="s-anna"):
    left = client.get(f"{START}link/")
    return client.get(sign_in_there(left["Location"], sub=sub))


def user_of(client):
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key) if key else None


def said(response):
    return re.sub(r"\s+", " ", response.content.decode())
