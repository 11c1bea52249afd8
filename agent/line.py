"""The one line that an operator pastes into a server's shell."""

from __future__ import annotations

import re

# What is put between single quotes, or stands bare, must not be able to end them.
SAFE_WORD = re.compile(r"[A-Za-z0-9._:+/=\[\]-]+")

LINE = (
    '( set -e; d=$(mktemp -d); trap \'rm -rf "$d"\' EXIT; cd "$d"; url=https://{server}/agent; '
    'has() {{ command -v "$1" >/dev/null; }}; '
    'if has curl; then curl -gfsSk -O "$url/ca.pem"; else wget -q --no-check-certificate "$url/ca.pem"; fi; '
    "echo '{fingerprint}  ca.pem' | sha256sum -c - >/dev/null; "
    'if has curl; then curl -gfsS --cacert ca.pem -O "$url/install.sh"; '
    'else wget -q --ca-certificate=ca.pem "$url/install.sh"; fi; '
    's=; e=; [ "$(id -u)" = 0 ] || ! has sudo || s=1; '
    '[ -z "$ALIYUN_ASSIST_PROXY$HTTPS_PROXY$https_proxy" ] || e=$s; '
    "printf '%s\\n' '{code}' | ${{s:+sudo}} ${{e:+-E}} sh install.sh --server '{server}' --activation-id '{activation_id}' "
    "--region '{region}' --ca ca.pem )"
)


def install_line(server: str, activation_id: str, region: str, fingerprint: str, code: str) -> str:
    """The line that installs and registers the agent; `fingerprint` is the SHA-256 of `ca.pem` in hex.

    The authority's file is fetched without trust and has to have the fingerprint; everything after it
    is fetched with that authority. The code goes to standard input by a builtin of the shell, so it
    appears in no list of processes. Raises ValueError for values that could not be quoted safely.
    """
    digest = fingerprint.replace(":", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ValueError("the fingerprint is not a SHA-256 in hexadecimal digits")
    for value in (server, activation_id, region, code):
        if not SAFE_WORD.fullmatch(value):
            raise ValueError(f"{value!r} holds characters that have no place in the line")
    return LINE.format(
        server=server, activation_id=activation_id, region=region, fingerprint=digest, code=code
    )
