import ssl
import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from console.up import tls
from console.up.errors import CannotStart


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "tls"


def certificate(folder):
    return x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())


def test_the_certificate_names_this_machine(folder):
    tls.ensure(folder, "console.example")

    names = tls.names_of(certificate(folder))
    assert {"console.example", "localhost", "127.0.0.1", "::1"} <= names
    assert tls.local_addresses() <= names


@pytest.mark.parametrize("host", ["192.0.2.9", "2001:db8::9", "[2001:db8::9]"])
def test_a_public_address_is_an_address_in_the_certificate(folder, host):
    tls.ensure(folder, host)

    assert host.strip("[]") in tls.names_of(certificate(folder))


def test_keys_are_private_and_the_authority_is_public(folder):
    tls.ensure(folder, "console.example")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes["authority-key.pem"] == modes["server-key.pem"] == 0o600
    assert modes["ca.pem"] == 0o644


def test_the_listener_takes_what_was_made(folder):
    tls.ensure(folder, "console.example")

    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*tls.listener_files(folder))
    certificate(folder).verify_directly_issued_by(
        x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    )


def test_a_good_certificate_is_kept(folder):
    tls.ensure(folder, "console.example")
    before = certificate(folder)

    tls.ensure(folder, "console.example")

    assert certificate(folder) == before


def test_a_new_public_host_renews_the_certificate_and_not_the_authority(folder):
    tls.ensure(folder, "old.example")
    authority = (folder / "ca.pem").read_bytes()

    tls.ensure(folder, "new.example")

    assert "new.example" in tls.names_of(certificate(folder))
    assert (folder / "ca.pem").read_bytes() == authority


def test_a_certificate_near_its_end_is_renewed(folder, monkeypatch):
    monkeypatch.setattr(tls, "SERVER_LIFETIME", timedelta(days=29))
    tls.ensure(folder, "console.example")
    monkeypatch.undo()

    tls.ensure(folder, "console.example")

    assert certificate(folder).not_valid_after_utc - datetime.now(UTC) > timedelta(days=390)


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_damaged_certificate_is_made_anew(folder, content):
    tls.ensure(folder, "console.example")
    (folder / "server.pem").write_bytes(content)

    tls.ensure(folder, "console.example")

    assert "console.example" in tls.names_of(certificate(folder))


def test_an_authority_near_its_end_is_kept_and_warned_of(folder, monkeypatch, caplog):
    monkeypatch.setattr(tls, "AUTHORITY_LIFETIME", timedelta(days=300))
    tls.ensure(folder, "console.example")
    before = (folder / "ca.pem").read_bytes()

    tls.ensure(folder, "console.example")

    assert (folder / "ca.pem").read_bytes() == before
    assert "expires on" in caplog.text


def test_a_damaged_authority_is_not_replaced(folder):
    tls.ensure(folder, "console.example")
    (folder / "authority-key.pem").unlink()

    with pytest.raises(CannotStart, match="backup"):
        tls.ensure(folder, "console.example")


@pytest.mark.parametrize("host", ["https://x.example", "x.example:8443", "", "a b"])
def test_a_public_host_that_is_no_host_is_refused(folder, host):
    with pytest.raises(CannotStart, match="PUBLIC_HOST"):
        tls.ensure(folder, host)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A certificate of the operator's own, from an authority of theirs."""
    theirs = tmp_path / "theirs"
    tls.ensure(theirs, "console.example")
    monkeypatch.setenv("TLS_CERT_FILE", str(theirs / "server.pem"))
    monkeypatch.setenv("TLS_KEY_FILE", str(theirs / "server-key.pem"))
    return theirs


def test_an_own_certificate_brings_its_chain_as_trust(folder, own):
    tls.ensure(folder, "console.example")

    assert (folder / "ca.pem").read_bytes() == (own / "ca.pem").read_bytes()
    assert tls.listener_files(folder) == (own / "server.pem", own / "server-key.pem")


def test_an_own_authority_is_what_servers_get(folder, own, tmp_path, monkeypatch):
    (tmp_path / "root.pem").write_bytes(b"their root")
    monkeypatch.setenv("TLS_CA_FILE", str(tmp_path / "root.pem"))

    tls.ensure(folder, "console.example")

    assert (folder / "ca.pem").read_bytes() == b"their root"


def test_our_authority_survives_a_time_with_an_own_certificate(folder, own, monkeypatch):
    monkeypatch.delenv("TLS_CERT_FILE")
    tls.ensure(folder, "console.example")
    ours = (folder / "ca.pem").read_bytes()
    monkeypatch.setenv("TLS_CERT_FILE", str(own / "server.pem"))
    tls.ensure(folder, "console.example")
    monkeypatch.delenv("TLS_CERT_FILE")

    tls.ensure(folder, "console.example")

    assert (folder / "ca.pem").read_bytes() == ours


@pytest.mark.parametrize("missing", ["TLS_KEY_FILE", "TLS_CERT_FILE"])
def test_half_an_own_certificate_is_refused(folder, own, monkeypatch, missing):
    monkeypatch.setenv(missing, "" if missing == "TLS_KEY_FILE" else "/nowhere/x.pem")

    with pytest.raises(CannotStart, match=missing):
        tls.ensure(folder, "console.example")
