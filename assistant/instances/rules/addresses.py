"""Source addresses of an activation (CA-25): single addresses and CIDR blocks, v4 and v6."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network


def parse_ranges(texts: Iterable[str]) -> list[str]:
    """The ranges in their usual spelling; raises ValueError that names the first one that is none."""
    return [str(ip_network(text.strip(), strict=False)) for text in texts if text.strip()]


def is_within(address: str, ranges: list[str]) -> bool:
    """Whether `address` lies in one of the ranges; no range at all means every address."""
    if not ranges:
        return True
    try:
        place = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(place, "ipv4_mapped", None)
    place = mapped or place
    return any(place in ip_network(text) for text in ranges)
