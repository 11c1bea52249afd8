"""What the supervisor tells: the ready file for programs, a few lines for people."""

import contextlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from console.up.files import write_file


@dataclass(frozen=True, slots=True)
class Addresses:
    plain: tuple[str, int]
    public_host: str
    tls_port: int

    @property
    def console(self) -> str:
        host, port = self.plain
        return f"http://{bracketed(host)}:{port}/"

    @property
    def servers(self) -> str:
        return f"https://{bracketed(self.public_host)}:{self.tls_port}/"


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def write_ready_file(path: Path, folder: Path, urls: dict[str, str], pids: dict[str, int]) -> None:
    content = {"urls": urls, "data_dir": str(folder), "pids": pids}
    write_file(path, json.dumps(content, indent=1).encode() + b"\n", mode=0o600)


def say(*lines: str) -> None:
    # The terminal may be gone; what runs goes on.
    with contextlib.suppress(OSError):
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


def greet(folder: Path, addresses: Addresses, *, first_password: str, seconds: float) -> None:
    kept = folder / "admin-password"
    lines = [
        "",
        f"Cloud Assistant is ready ({seconds:.1f} s).",
        "",
        f"  Console    {addresses.console}",
        f"  Servers    {addresses.servers}  (the console for other machines, too)",
    ]
    if first_password:
        lines += [
            "  User       admin",
            f"  Password   {first_password}  (kept in {kept} until you change it)",
        ]
    elif kept.exists():
        lines.append(f"  Password   of admin: see {kept}")
    say(*lines, f"  Data       {folder}", "  Stop       Ctrl-C", "")
