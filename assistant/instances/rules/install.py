"""The lines that make a server join (CA-27, CA-33, CA-35)."""

from dataclasses import dataclass
from shlex import quote

from django.utils.translation import gettext as _

from agent.line import install_line


@dataclass(frozen=True, slots=True)
class Server:
    """Where servers find this console, and how they know that it is the one."""

    address: str
    ca_sha256: str


@dataclass(frozen=True, slots=True)
class InstallLine:
    """`system` is a stable word for programs, `label` one for people."""

    system: str
    label: str
    line: str


def install_lines(server: Server, *, activation_id: str, code: str, region: str) -> list[InstallLine]:
    """One line per kind of system. They hold the code: show them once."""
    ours = install_line(server.address, activation_id, region, server.ca_sha256, code)
    return [
        InstallLine("linux", _("Linux"), ours),
        InstallLine(
            "linux-reference",
            _("Linux, open-source Cloud Assistant agent"),
            reference_linux(server, activation_id, code, region),
        ),
        InstallLine(
            "windows-reference",
            _("Windows, open-source Cloud Assistant agent"),
            reference_windows(server, activation_id, code, region),
        ),
    ]


def reference_linux(server: Server, activation_id: str, code: str, region: str) -> str:
    """For a server that has the reference agent installed and the CA's certificate beside it."""
    ca = "/usr/local/share/aliyun-assist/ca.pem"
    fetch = f"curl -fsSko {ca} https://{server.address}/agent/ca.pem"
    check = f"echo '{server.ca_sha256}  {ca}' | sha256sum -c -"
    variables = f"ALIYUN_ASSIST_SERVER_HOST={server.address} ALIYUN_ASSIST_CERT_PATH={ca}"
    register = (
        f"aliyun-service --register --RegionId {quote(region)} --ActivationCode {quote(code)} "
        f"--ActivationId {activation_id}"
    )
    return f"{fetch} && {check} && {variables} {register}"


def reference_windows(server: Server, activation_id: str, code: str, region: str) -> str:
    return (
        f'$env:ALIYUN_ASSIST_SERVER_HOST="{server.address}"; '
        rf'$env:ALIYUN_ASSIST_CERT_PATH="C:\ProgramData\aliyun\assist\ca.pem"; '
        f'.\\aliyun_assist_service.exe --register --RegionId="{region}" '
        f'--ActivationCode="{code}" --ActivationId="{activation_id}"'
    )
