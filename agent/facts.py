"""What the agent tells about the machine it runs on."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import time
from pathlib import Path

from agent import NAME, VERSION

MACHINE_ID_FILES = (
    "/var/lib/dbus/machine-id",
    "/etc/machine-id",
    "/sys/class/dmi/id/product_uuid",
)

# The agent's User-Agent names the architecture as Go does.
GO_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm", "armv6l": "arm"}


def user_agent() -> str:
    return f"linux_{architecture()}/{VERSION} {NAME}"


def architecture() -> str:
    machine = os.uname().machine
    return GO_ARCHITECTURES.get(machine, machine)


def machine_id() -> str:
    """The operating system's own id for this machine; empty when it has none."""
    for name in MACHINE_ID_FILES:
        with contextlib.suppress(OSError):
            found = Path(name).read_text(encoding="ascii", errors="replace").strip()
            if found:
                return found
    return ""


def boot_id() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def uptime_ms() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])) * 1000
    return int(time.monotonic()) * 1000


def os_version() -> str:
    """Name and version for people, such as "Debian GNU/Linux 12 (bookworm)"."""
    for name in ("/etc/os-release", "/usr/lib/os-release"):
        with contextlib.suppress(OSError):
            values = parse_os_release(Path(name).read_text(encoding="utf-8", errors="replace"))
            if values.get("PRETTY_NAME"):
                return values["PRETTY_NAME"]
    kernel = os.uname()
    return f"Linux {kernel.release} {kernel.machine}"


def parse_os_release(text: str) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


def hostname() -> str:
    return socket.gethostname()


def intranet_ip(server: str = "") -> str:
    """The address this machine uses towards the server, else towards anywhere; empty when it has none.

    Connecting a datagram socket sends nothing: it only asks the kernel for a route.
    """
    # The documentation network stands for "anywhere".
    for destination in filter(None, (server, "192.0.2.1")):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((destination, 9))
            address = str(probe.getsockname()[0])
            if not address.startswith(("127.", "0.")):
                return address
    return ""


def account_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def is_privileged() -> bool:
    return os.geteuid() == 0


def now_ms() -> int:
    return int(time.time() * 1000)


def steady_ms() -> int:
    """A clock that nobody sets; it stands still while the machine sleeps."""
    return int(time.monotonic() * 1000)


def utc_offset_seconds() -> int:
    return time.localtime().tm_gmtoff


def time_zone() -> str:
    """The zone's name in the time zone database, else a form such as "GMT+8:00"."""
    with contextlib.suppress(OSError, ValueError):
        target = str(Path("/etc/localtime").resolve(strict=True))
        _, _, name = target.partition("/zoneinfo/")
        if name:
            return name
    offset_minutes = utc_offset_seconds() // 60
    if offset_minutes == 0:
        return "UTC"
    hours, minutes = divmod(abs(offset_minutes), 60)
    return f"GMT{'+' if offset_minutes > 0 else '-'}{hours}:{minutes:02d}"
