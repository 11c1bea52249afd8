"""Our own certificate authority, and the certificate of the TLS listener.

In `DATA_DIR/tls`: `authority.pem` and its key, made once; `server.pem` and its key, renewed at a start;
`ca.pem`, what servers are given to trust.
"""

import ipaddress
import logging
import re
import secrets
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from console import env
from console.up.errors import CannotStart
from console.up.files import write_file

logger = logging.getLogger(__name__)

AUTHORITY_LIFETIME = timedelta(days=3653)
AUTHORITY_WARNING = timedelta(days=365)
# The longest that every client takes.
SERVER_LIFETIME = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)
# Servers' clocks may be behind ours.
BACKDATED = timedelta(days=1)

# A resolver that does not answer must not hold up the start.
RESOLVE_SECONDS = 1.0

LOCAL_NAMES = ("localhost",)
LOCAL_ADDRESSES = ("127.0.0.1", "::1")
# Of the kernel's list of IPv6 addresses: those that hold everywhere, and this machine's own.
GLOBAL_SCOPES = ("00", "10")
HOST_NAME = re.compile(r"(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?)+")


def ensure(folder: Path, public_host: str) -> str:
    """Put everything in place, renew what has to be, and return the name this machine calls itself by.

    That name is 127.0.0.1 unless a certificate of the operator's own does not hold it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if env.text("TLS_CERT_FILE"):
        return adopt_own(folder, public_host)
    authority, key = ensure_authority(folder)
    write_file(folder / "ca.pem", pem(authority), mode=0o644)
    names = wanted_names(public_host)
    if must_renew(folder / "server.pem", authority, names):
        issue(folder, authority, key, names)
    return LOCAL_ADDRESSES[0]


def listener_files(folder: Path) -> tuple[Path, Path]:
    """The certificate chain and the key of the TLS listener."""
    if env.text("TLS_CERT_FILE"):
        return Path(env.text("TLS_CERT_FILE")), Path(env.text("TLS_KEY_FILE"))
    return folder / "server.pem", folder / "server-key.pem"


# --- The authority ---


def ensure_authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The authority with its key. Never renewed by itself: every server trusts just this one."""
    certificate_file, key_file = folder / "authority.pem", folder / "authority-key.pem"
    if not certificate_file.exists():
        make_authority(certificate_file, key_file)
    try:
        authority = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise CannotStart(
            f"The certificate authority in {folder} is damaged ({error}). Restore the folder from a backup; "
            "if there is none, remove it and register every server anew."
        ) from error
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we made it
    if authority.not_valid_after_utc - datetime.now(UTC) < AUTHORITY_WARNING:
        logger.warning(
            "The certificate authority expires on %s; plan its replacement, all servers have to get the new one",
            authority.not_valid_after_utc.date(),
        )
    return authority, key


def make_authority(certificate_file: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    # Two installations on one host are told apart.
    text = f"Cloud Assistant CA {socket.gethostname()[:24]} {secrets.token_hex(4)}"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
    authority = (
        builder(name, name, key.public_key(), AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(for_authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    # The certificate comes last: where it is, its key is.
    write_file(key_file, key_pem(key), mode=0o600)
    write_file(certificate_file, pem(authority), mode=0o644)


# --- The server's certificate ---


def must_renew(path: Path, authority: x509.Certificate, names: set[str]) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        certificate.verify_directly_issued_by(authority)
    except FileNotFoundError:
        return True
    except (ValueError, TypeError, InvalidSignature):
        logger.warning("The server's certificate is not this authority's and is made anew")
        return True
    expires_soon = certificate.not_valid_after_utc - datetime.now(UTC) < RENEW_BEFORE
    return expires_soon or not names <= names_of(certificate)


def issue(
    folder: Path, authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey, names: set[str]
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Cloud Assistant")])
    lifetime = min(SERVER_LIFETIME, authority.not_valid_after_utc - datetime.now(UTC))
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    certificate = (
        builder(name, authority.subject, key.public_key(), lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(for_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .add_extension(
            x509.SubjectAlternativeName([general_name(one) for one in sorted(names)]), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    write_file(folder / "server-key.pem", key_pem(key), mode=0o600)
    write_file(folder / "server.pem", pem(certificate) + pem(authority), mode=0o644)
    logger.info("Server certificate made valid_until=%s", certificate.not_valid_after_utc.date())


def builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def key_usage(*, for_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not for_authority,
        key_cert_sign=for_authority,
        crl_sign=for_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


# --- Names ---


def wanted_names(public_host: str) -> set[str]:
    """Every name and address under which this machine may be reached."""
    hosts = {socket.gethostname(), full_host_name(), *LOCAL_NAMES}
    names = {host.lower() for host in hosts if HOST_NAME.fullmatch(host)}
    return names | {checked_host(public_host)} | set(LOCAL_ADDRESSES) | local_addresses()


def checked_host(text: str) -> str:
    """PUBLIC_HOST as a certificate has it."""
    bare = text.strip("[]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    try:
        host = bare.encode("idna").decode().lower()
    except UnicodeError:
        host = ""
    if not HOST_NAME.fullmatch(host):
        raise CannotStart(
            f"PUBLIC_HOST is {text!r}; say a host name or an address, without https:// and without a port."
        )
    return host


def full_host_name() -> str:
    asking = ThreadPoolExecutor(1)
    try:
        return asking.submit(socket.getfqdn).result(timeout=RESOLVE_SECONDS)
    except TimeoutError:
        return ""
    finally:
        asking.shutdown(wait=False)


def local_addresses() -> set[str]:
    """What the kernel says are our addresses; not those that are valid on one link only."""
    found = set(re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", kernel_table("fib_trie")))
    for line in kernel_table("if_inet6").splitlines():
        digits, _index, _prefix, scope, *_rest = line.split()
        if scope in GLOBAL_SCOPES:
            found.add(str(ipaddress.IPv6Address(int(digits, 16))))
    return found


def kernel_table(name: str) -> str:
    try:
        return Path("/proc/net", name).read_text()
    except OSError:
        return ""


def names_of(certificate: x509.Certificate) -> set[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return set()
    hosts = extension.value.get_values_for_type(x509.DNSName)
    return {*hosts, *(str(one) for one in extension.value.get_values_for_type(x509.IPAddress))}


def general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


# --- A certificate of the operator's own ---


def adopt_own(folder: Path, public_host: str) -> str:
    certificate_file, key_file = listener_files(folder)
    if not env.text("TLS_KEY_FILE"):
        raise CannotStart("TLS_CERT_FILE is set and TLS_KEY_FILE is not; name the certificate's key there.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate_file, key_file)
        chain = x509.load_pem_x509_certificates(certificate_file.read_bytes())
        trusted = Path(env.text("TLS_CA_FILE")).read_bytes() if env.text("TLS_CA_FILE") else trust_of(chain)
    except (OSError, ValueError) as error:
        raise CannotStart(
            f"The certificate in TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE cannot be used: {error}."
        ) from error
    write_file(folder / "ca.pem", trusted, mode=0o644)
    held = names_of(chain[0])
    return LOCAL_ADDRESSES[0] if LOCAL_ADDRESSES[0] in held else public_host


def trust_of(chain: list[x509.Certificate]) -> bytes:
    """What stands above the certificate; a certificate alone stands for itself."""
    return b"".join(pem(one) for one in chain[1:] or chain)
