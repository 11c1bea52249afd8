import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from agent import keys, signing, signing_libcrypto, signing_pure

LIBRARY = signing_libcrypto.load()

TEXTS = ["", "mi-1abc1700000000000d2f1", "ä" * 300]


@pytest.fixture(scope="module")
def pems():
    """One key from each of the two makers: (private, public)."""
    pure = signing_pure.generate_private_pem()
    return {
        "libcrypto": signing_libcrypto.generate_pems(LIBRARY),
        "pure": (pure, signing_pure.public_pem(pure)),
    }


def signer(kind, private_pem):
    if kind == "pure":
        return signing.Signer(signing_pure.PureSigner(private_pem))
    return signing.Signer(signing_libcrypto.LibcryptoSigner(LIBRARY, private_pem))


@pytest.mark.parametrize("text", TEXTS, ids=["empty", "usual", "long"])
@pytest.mark.parametrize("key", ["libcrypto", "pure"])
@pytest.mark.parametrize("kind", ["libcrypto", "pure"])
def test_a_signature_is_accepted_by_an_independent_library(pems, kind, key, text):
    private, public = pems[key]

    signature = base64.b64decode(signer(kind, private).sign(text))

    verifier = serialization.load_pem_public_key(public.encode())
    verifier.verify(signature, text.encode(), padding.PKCS1v15(), hashes.MD5())


@pytest.mark.parametrize("key", ["libcrypto", "pure"])
def test_both_signers_give_the_same_bytes(pems, key):
    private, _ = pems[key]

    assert signer("pure", private).sign("text") == signer("libcrypto", private).sign("text")


@pytest.mark.parametrize("key", ["libcrypto", "pure"])
def test_keys_have_the_forms_that_the_protocol_names(pems, key):
    private, public = pems[key]
    loaded = serialization.load_pem_private_key(private.encode(), None)

    assert private.startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    assert (
        public
        == loaded.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    assert loaded.key_size == 2048


def test_the_public_key_follows_from_any_private_key(pems):
    private, public = pems["libcrypto"]

    assert signing_pure.public_pem(private) == public


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (2, True),
        (3, True),
        (4, False),
        (1, False),
        (1999, True),
        (561, False),
        (2**61 - 1, True),
        (2**127 - 1, True),
        ((2**61 - 1) * (2**89 - 1), False),
        (3215031751, False),
    ],
)
def test_primes_are_told_from_composites(number, expected):
    assert signing_pure.is_probable_prime(number) is expected


@pytest.mark.parametrize("damaged", [b"", b"\x30", b"\x30\x03\x02\x01", b"\x04\x00", b"\x30\x03\x02\x01\x00"])
def test_a_damaged_key_is_refused(damaged):
    with pytest.raises(ValueError, match=r"DER|PKCS"):
        keys.parse_private_der(damaged)
