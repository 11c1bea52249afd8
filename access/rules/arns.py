"""Names of resources: `acs:<service>:<region>:<account>:<type>/<id>` (CA-237, CA-238)."""

from typing import NamedTuple

PARTS = 5

# What these have is in no region: names say `*` there, and patterns, as RAM spells them, may leave it empty.
REGIONLESS = ("ram", "sts")


class Arn(NamedTuple):
    """A resource's name in its parts, or a pattern for names."""

    scheme: str
    service: str
    region: str
    account: str
    relative_id: str

    def __str__(self) -> str:
        return ":".join(self)


def split(text: str) -> Arn | None:
    """The five parts; none where there are fewer. The last may hold colons of its own."""
    parts = text.split(":", PARTS - 1)
    return Arn(*parts) if len(parts) == PARTS else None


def resource_type(text: str) -> str:
    """`instance` of `acs:ecs:r:a:instance/i-1`; empty for `*` and for what is no name of a resource."""
    arn = split(text)
    return arn.relative_id.partition("/")[0] if arn else ""
