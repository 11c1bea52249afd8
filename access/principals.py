"""Who asks: the first argument of every operation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property

from access.rules import actions
from access.rules.policies import NO_POLICIES, Decision, PolicySet


class Door(StrEnum):
    """Where a request came in."""

    CONSOLE = "console"
    ADMIN = "admin"
    API = "api"
    COMMAND = "command"
    AGENT = "agent"
    SYSTEM = "system"


@dataclass(frozen=True)
class Principal:
    """A user at a door, or the system itself. Frozen: what was asked by whom does not change on the way."""

    name: str
    door: Door
    user_id: int | None = None
    # The account itself, which no policy restricts (CA-222).
    is_administrator: bool = False
    source_ip: str = ""
    is_secure: bool = False
    has_second_factor: bool = False
    # The role that the user has taken on; its policies count then, and the user's own do not.
    role: str = ""
    load_policies: Callable[[], PolicySet] = field(default=lambda: NO_POLICIES, repr=False, compare=False)

    @property
    def is_known(self) -> bool:
        return self.user_id is not None or self.door in (Door.SYSTEM, Door.AGENT)

    @cached_property
    def policies(self) -> PolicySet:
        """What the principal may do. Asked for once per principal, which lives as long as its request."""
        return self.load_policies()

    def names(self, action: str) -> bool:
        """Whether anything allows the principal the action anywhere (CA-246)."""
        return self.is_administrator or self.policies.names(action)

    def opens(self, action: str) -> bool:
        """Whether a page about the action opens: decided where it has no resources, else as `names` says."""
        known = actions.known(action)
        if known is not None and not known.types:
            return self.may(action, "*")
        return self.names(action)

    def decide(self, action: str, resource: str, context: Mapping[str, str] | None = None) -> Decision:
        """What the principal's policies say of one action on one resource, here and now."""
        if self.is_administrator:
            return Decision(action, resource, is_allowed=True)
        return self.policies.decide(action, resource, {**self.context, **(context or {})})

    def may(self, action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
        """The same as an answer."""
        return self.decide(action, resource, context).is_allowed

    def could(self, action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
        """For buttons: as `may`, but before it is said whom a command runs as."""
        if self.is_administrator:
            return True
        return self.policies.could(action, resource, {**self.context, **(context or {})})

    @cached_property
    def context(self) -> Mapping[str, str]:
        """The condition keys that every request of this principal carries (CA-245)."""
        keys = {
            "acs:CurrentTime": datetime.now(UTC).isoformat(timespec="seconds"),
            "acs:SecureTransport": str(self.is_secure).lower(),
            "acs:MFAPresent": str(self.has_second_factor).lower(),
        }
        return keys | {"acs:SourceIp": self.source_ip} if self.source_ip else keys


SYSTEM = Principal(name="system", door=Door.SYSTEM, is_administrator=True)
ANONYMOUS = Principal(name="anonymous", door=Door.CONSOLE)
