"""RSA by the machine's own libcrypto (OpenSSL 1.1 and 3), through ctypes.

Only functions that both generations have and that are no macros are used. The digest is made
elsewhere and signed as data, so a libcrypto that refuses MD5 (FIPS) still serves.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from agent import keys

# From openssl/evp.h and openssl/rsa.h; the same in 1.1 and 3.
EVP_PKEY_RSA = 6
EVP_PKEY_OP_KEYGEN = 1 << 2
EVP_PKEY_CTRL_RSA_KEYGEN_BITS = 0x1000 + 3

NAMES = ("libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so")

POINTER, POINTER_REFERENCE = ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)
BYTES_REFERENCE, SIZE_REFERENCE = ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_size_t)

SIGNATURES: dict[str, tuple[type | None, list[type]]] = {
    "EVP_PKEY_CTX_new_id": (POINTER, [ctypes.c_int, POINTER]),
    "EVP_PKEY_CTX_new": (POINTER, [POINTER, POINTER]),
    "EVP_PKEY_CTX_free": (None, [POINTER]),
    "EVP_PKEY_keygen_init": (ctypes.c_int, [POINTER]),
    "EVP_PKEY_CTX_ctrl": (
        ctypes.c_int,
        [POINTER, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int, POINTER],
    ),
    "EVP_PKEY_keygen": (ctypes.c_int, [POINTER, POINTER_REFERENCE]),
    "EVP_PKEY_sign_init": (ctypes.c_int, [POINTER]),
    "EVP_PKEY_sign": (
        ctypes.c_int,
        [POINTER, ctypes.c_char_p, SIZE_REFERENCE, ctypes.c_char_p, ctypes.c_size_t],
    ),
    "EVP_PKEY_free": (None, [POINTER]),
    "d2i_PrivateKey": (POINTER, [ctypes.c_int, POINTER, BYTES_REFERENCE, ctypes.c_long]),
    "i2d_PrivateKey": (ctypes.c_int, [POINTER, POINTER_REFERENCE]),
    "i2d_PUBKEY": (ctypes.c_int, [POINTER, POINTER_REFERENCE]),
}


class LibcryptoUnusable(Exception):
    pass


def load() -> ctypes.CDLL:
    """The libcrypto that Python's own ssl module has loaded, else one by its usual name."""
    for name in (*_loaded_paths(), *NAMES):
        try:
            library = ctypes.CDLL(name)
            for function, (result, arguments) in SIGNATURES.items():
                entry = getattr(library, function)
                entry.restype, entry.argtypes = result, arguments
        except (OSError, AttributeError):
            continue
        return library
    raise LibcryptoUnusable("no usable libcrypto on this machine")


def _loaded_paths() -> list[str]:
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    paths = {line.split(maxsplit=5)[-1] for line in lines if "/libcrypto" in line}
    return sorted(path for path in paths if path.startswith("/") and " (deleted)" not in path)


class LibcryptoSigner:
    def __init__(self, library: ctypes.CDLL, private_pem: str) -> None:
        der = keys.der_of(private_pem)
        self._library = library
        self._key = library.d2i_PrivateKey(EVP_PKEY_RSA, None, ctypes.byref(ctypes.c_char_p(der)), len(der))
        if not self._key:
            raise LibcryptoUnusable("libcrypto cannot read the private key")

    def sign(self, digest_info: bytes) -> bytes:
        # A context of its own per call: contexts must not be shared between threads, keys may.
        context = self._library.EVP_PKEY_CTX_new(self._key, None)
        size = ctypes.c_size_t(1024)
        signature = ctypes.create_string_buffer(size.value)
        try:
            _check(self._library.EVP_PKEY_sign_init(context))
            _check(
                self._library.EVP_PKEY_sign(
                    context, signature, ctypes.byref(size), digest_info, len(digest_info)
                )
            )
        finally:
            self._library.EVP_PKEY_CTX_free(context)
        return signature.raw[: size.value]


def generate_pems(library: ctypes.CDLL, bits: int = 2048) -> tuple[str, str]:
    """A new key: private as PKCS#1 PEM, public as PKIX PEM."""
    key = _generate(library, bits)
    try:
        private = _encoded(library.i2d_PrivateKey, key)
        public = _encoded(library.i2d_PUBKEY, key)
    finally:
        library.EVP_PKEY_free(key)
    return keys.pem("RSA PRIVATE KEY", private), keys.pem("PUBLIC KEY", public)


def _generate(library: ctypes.CDLL, bits: int) -> ctypes.c_void_p:
    context = library.EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, None)
    key = ctypes.c_void_p()
    try:
        _check(library.EVP_PKEY_keygen_init(context))
        _check(
            library.EVP_PKEY_CTX_ctrl(
                context, EVP_PKEY_RSA, EVP_PKEY_OP_KEYGEN, EVP_PKEY_CTRL_RSA_KEYGEN_BITS, bits, None
            )
        )
        _check(library.EVP_PKEY_keygen(context, ctypes.byref(key)))
    finally:
        library.EVP_PKEY_CTX_free(context)
    return key


def _encoded(encode: ctypes._NamedFuncPointer, key: ctypes.c_void_p) -> bytes:
    size = encode(key, None)
    _check(size)
    content = ctypes.create_string_buffer(size)
    # The function moves the pointer it is given, so it gets one of its own.
    encode(key, ctypes.byref(ctypes.c_void_p(ctypes.addressof(content))))
    return content.raw


def _check(outcome: int) -> None:
    if outcome <= 0:
        raise LibcryptoUnusable(f"libcrypto answered {outcome}")
