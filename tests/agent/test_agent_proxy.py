import pytest

from agent.errors import WrongUsage
from agent.proxy import Address, Proxy, from_environment, is_exempt, parse_address, parse_proxy

SERVER = Address("console.example.com", 8443)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("proxy:3128", Proxy("http", Address("proxy", 3128))),
        ("http://proxy:3128", Proxy("http", Address("proxy", 3128))),
        ("http://proxy:3128/", Proxy("http", Address("proxy", 3128))),
        ("http://proxy", Proxy("http", Address("proxy", 80))),
        ("https://proxy", Proxy("https", Address("proxy", 443))),
        ("HTTP://proxy:1", Proxy("http", Address("proxy", 1))),
        ("socks5://proxy", Proxy("socks5", Address("proxy", 1080))),
        ("http://user:secret@proxy:1", Proxy("http", Address("proxy", 1), "user", "secret")),
        ("user:secret@proxy:1", Proxy("http", Address("proxy", 1), "user", "secret")),
        ("http://user@proxy:1", Proxy("http", Address("proxy", 1), "user", "")),
        ("http://u%40x:p%3Aq%2F@proxy:1", Proxy("http", Address("proxy", 1), "u@x", "p:q/")),
        ("http://[::1]:3128", Proxy("http", Address("::1", 3128))),
    ],
)
def test_proxies_are_read(text, expected):
    assert parse_proxy(text) == expected


@pytest.mark.parametrize(
    "text", ["ftp://proxy:1", "http://", "http://proxy:port", "http://proxy:99999", "a b"]
)
def test_what_is_no_proxy_is_refused(text):
    with pytest.raises(WrongUsage):
        parse_proxy(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host", Address("host", 443)),
        ("host:1", Address("host", 1)),
        ("10.0.0.1:65535", Address("10.0.0.1", 65535)),
        ("[::1]", Address("::1", 443)),
        ("[fe80::1]:8443", Address("fe80::1", 8443)),
    ],
)
def test_addresses_are_read(text, expected):
    assert parse_address(text, 443) == expected


@pytest.mark.parametrize(
    ("no_proxy", "expected"),
    [
        ("", False),
        ("*", True),
        ("example.com", True),
        (".example.com", True),
        ("*.example.com", True),
        ("console.example.com", True),
        ("CONSOLE.EXAMPLE.COM", True),
        ("ample.com", False),
        ("other, example.com", True),
        ("example.com:8443", True),
        ("example.com:443", False),
        ("10.0.0.0/8", False),
    ],
)
def test_no_proxy_exempts_names(no_proxy, expected):
    assert is_exempt(SERVER, no_proxy) is expected


@pytest.mark.parametrize(
    ("host", "no_proxy", "expected"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("fe80::1", "fe80::/10", True),
        ("::1", "[::1]", True),
        ("10.1.2.3", "nonsense/8", False),
    ],
)
def test_no_proxy_exempts_addresses(host, no_proxy, expected):
    assert is_exempt(Address(host, 443), no_proxy) is expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"ALIYUN_ASSIST_PROXY": "a:1", "HTTPS_PROXY": "b:1"}, "a"),
        ({"HTTPS_PROXY": "b:1", "https_proxy": "c:1"}, "b"),
        ({"https_proxy": "c:1"}, "c"),
        ({"ALIYUN_ASSIST_PROXY": ""}, None),
        ({"HTTPS_PROXY": "b:1", "NO_PROXY": "example.com"}, None),
        ({"HTTPS_PROXY": "b:1", "no_proxy": "example.com"}, None),
    ],
)
def test_the_environment_names_the_proxy(environment, expected):
    proxy = from_environment(environment, SERVER)

    assert (proxy and proxy.address.host) == expected


def test_the_log_names_the_variable_and_not_the_password(capfd):
    from_environment({"ALIYUN_ASSIST_PROXY": "http://user:secret@proxy:1"}, SERVER)

    written = capfd.readouterr().err
    assert "Detected environment variable ALIYUN_ASSIST_PROXY for proxy setting" in written
    assert "secret" not in written
