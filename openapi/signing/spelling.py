"""How both signatures spell what they sign."""

from collections.abc import Mapping
from urllib.parse import quote


def escaped(text: str) -> str:
    """After RFC 3986: all but letters, digits and `-_.~`, over UTF-8, in capitals."""
    return quote(text, safe="-_.~")


def canonical(parameters: Mapping[str, str]) -> str:
    """Sorted by the decoded name, in the order of code points; empty values stay."""
    return "&".join(f"{escaped(name)}={escaped(parameters[name])}" for name in sorted(parameters))
