"""HTTP and proxies, against real sockets."""

import contextlib
import socket
import ssl
import threading

import pytest

from agent import http
from agent.errors import ServerUnreachable
from agent.proxy import Address
from agent.transport import Connector, Route
from tests.agent.relays import ConnectRelay, SocksRelay
from tests.agent.stage import shell
from tests.waiting import PATIENCE_SECONDS, eventually

REQUEST = http.Request("POST", "/x", b"body", "text/plain")


class Script:
    """A TLS server that answers request after request with prepared bytes."""

    def __init__(self, chain, *connections):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(chain)
        self._connections = connections
        self.requests = []
        self.address = Address(*self._listener.getsockname())
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()

    def _serve(self):
        for answers in self._connections:
            with contextlib.suppress(OSError):
                self._serve_one(answers)

    def _serve_one(self, answers):
        plain, _ = self._listener.accept()
        with self._context.wrap_socket(plain, server_side=True) as connection:
            for answer in answers:
                self.requests.append(_read_request(connection))
                connection.sendall(answer)


def _read_request(connection):
    received = b""
    while not received.endswith(b"\r\n\r\nbody"):
        piece = connection.recv(4096)
        if not piece:
            raise OSError
        received += piece
    return received


@pytest.fixture
def serve(certificates):
    """Start a server with the given answers per connection; returns it and a client."""

    with contextlib.ExitStack() as stack:

        def start(*connections):
            script = stack.enter_context(contextlib.closing(Script(certificates.chain, *connections)))
            connector = Connector(Route(script.address, None, certificates.authority))
            return script, stack.enter_context(contextlib.closing(http.Client(connector)))

        yield start


def send(client, timeout=PATIENCE_SECONDS):
    return client.send(REQUEST, lambda: {"X-Number": "1"}, timeout)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 404 No\r\ncontent-length:0\r\n\r\n", 404, b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n",
            200,
            b"abcde",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTrailer: x\r\n\r\n",
            200,
            b"a",
        ),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
    ],
)
def test_answers_are_read(serve, answer, status, body):
    script, client = serve([answer])

    response = send(client)

    assert (response.status, response.body) == (status, body)
    head = script.requests[0].split(b"\r\n")
    assert head[0] == b"POST /x HTTP/1.1"
    assert {b"Host: %s" % str(script.address).encode(), b"X-Number: 1", b"Content-Length: 4"} < set(head)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000,
    ],
)
def test_broken_answers_are_refused(serve, answer):
    _, client = serve([answer])

    with pytest.raises(ServerUnreachable):
        send(client)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_a_connection_is_used_for_the_next_request(serve):
    script, client = serve([OK, OK])

    send(client), send(client)

    assert len(script.requests) == 2


def test_a_connection_that_was_closed_meanwhile_is_replaced(serve):
    script, client = serve([OK], [OK])

    send(client), send(client)

    assert len(script.requests) == 2


def test_a_server_that_says_close_gets_a_new_connection(serve):
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    script, client = serve([closing], [OK])

    send(client), send(client)

    assert len(script.requests) == 2


def test_a_slow_server_is_given_up_in_time(serve):
    _, client = serve([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", b""])

    with pytest.raises(ServerUnreachable, match="in time"):
        send(client, timeout=0.2)


@pytest.mark.parametrize(
    ("relay", "scheme", "login"),
    [
        (ConnectRelay, "", ""),
        (ConnectRelay, "http://", ""),
        (ConnectRelay, "http://", "user:secret"),
        (SocksRelay, "socks5://", ""),
        (SocksRelay, "socks5://", "user:secret"),
    ],
)
def test_an_agent_works_through_a_proxy(make_agent, stage, relay, scheme, login):
    proxy = relay(login=login)
    value = f"{scheme}{login + '@' if login else ''}{proxy.address}"
    agent = make_agent(environment={"ALIYUN_ASSIST_PROXY": value})

    assert agent.register().returncode == 0
    agent.start()
    stage.wait_for_channel()
    stage.run("t-1", "echo through")

    assert stage.final_output("t-1") == b"through\n"
    assert set(proxy.targets) == {("127.0.0.1", stage.port)}
    assert "Detected environment variable ALIYUN_ASSIST_PROXY for proxy setting" in agent.log
    assert "secret" not in agent.log
    proxy.close()


def test_an_agent_works_through_a_proxy_behind_tls(make_agent, stage, certificates):
    proxy = ConnectRelay(chain=certificates.chain)
    agent = make_agent(
        environment={
            "https_proxy": f"https://{proxy.address}",
            # The proxy's certificate is a matter of the system's roots.
            "SSL_CERT_FILE": str(certificates.authority),
        }
    )

    assert agent.register().returncode == 0
    agent.start()
    stage.wait_for_channel()
    stage.run("t-1", "head -c 300000 /dev/zero")

    assert len(stage.final_output("t-1")) == 300000
    assert proxy.targets
    proxy.close()


def test_a_proxy_that_refuses_is_named(make_agent):
    proxy = ConnectRelay(login="user:secret")
    agent = make_agent(environment={"ALIYUN_ASSIST_PROXY": f"http://user:wrong@{proxy.address}"})

    done = agent.register()

    assert done.returncode == 5
    assert f"The proxy {proxy.address} refused the connection: HTTP/1.1 407" in done.stderr
    assert "wrong" not in done.stderr
    proxy.close()


def test_no_proxy_goes_around_the_proxy(make_agent, stage):
    agent = make_agent(environment={"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.0/8"})

    assert agent.register().returncode == 0


def test_without_a_push_channel_work_is_still_done(make_agent, stage):
    stage.statuses["notify_server"] = 503
    stage.give(run=[shell("t-1", "echo without")], kick=False)
    agent = make_agent()
    agent.register()

    agent.start()

    assert stage.final_output("t-1") == b"without\n"
    eventually(lambda: agent.log.count("No push channel") >= 2)
