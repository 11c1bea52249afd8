"""The agent on this very machine: registered through the same door as any other, then kept running."""

import json
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from console import env
from console.up import log, surroundings
from console.up.children import Program, Reaper, run

# How long the start waits for the agent to be seen; the rest of the console works without it.
CONNECT_SECONDS = 15

NOT_REGISTERED = 6


@dataclass(frozen=True, slots=True)
class LocalAgent:
    folder: Path
    installation_id: str
    # host:port under which the TLS listener's certificate is valid.
    server: str
    environment: dict[str, str]

    @property
    def place(self) -> Path:
        return self.folder / "agent"

    @property
    def was_deregistered(self) -> bool:
        """Somebody has sent it away: it does not come back by itself."""
        return (self.place / "deregistered").exists()

    @property
    def instance_id(self) -> str:
        """Empty while it has no identity."""
        try:
            return str(json.loads((self.place / "identity.json").read_bytes())["instance_id"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def program(self) -> Program:
        # A killed agent would leave the commands it runs behind: it is asked to end them.
        return Program(
            "agent",
            self._command("--run"),
            surroundings.of_agent(),
            folder="/",
            orphan_signal=signal.SIGTERM,
            may_end_with=frozenset({0, NOT_REGISTERED}),
            may_end=lambda: self.was_deregistered or not self.instance_id,
        )

    async def register(self, reaper: Reaper) -> bool:
        activation = await self._activation(reaper)
        if activation is None:
            return False
        words = ("--region", activation["Region"], "--activation-id", activation["ActivationId"])
        names = ("--instance-name", socket.gethostname(), "--machine-id", f"local-{self.installation_id}")
        command = self._command("--register", "--force", *words, *names)
        program = Program("registration", command, surroundings.of_agent(), folder="/")
        finished = await run(reaper, program, given=activation["ActivationCode"].encode() + b"\n")
        if finished.status:
            log.warning("The agent of this machine could not be registered; the next start tries again")
        return finished.status == 0

    async def until_connected(self, reaper: Reaper) -> None:
        words = ("await_instance", self.instance_id, "--seconds", str(CONNECT_SECONDS), "--json")
        if (await run(reaper, management("waiting", self.environment, *words))).status:
            log.warning("The agent of this machine is not connected yet", instance=self.instance_id)

    async def _activation(self, reaper: Reaper) -> dict[str, str] | None:
        options = ("--name-prefix", "local", "--quota", "1", "--hours", "1", "--description", "This machine")
        finished = await run(
            reaper, management("activation", self.environment, "create_activation", "--json", *options)
        )
        if finished.status:
            log.warning("No activation code for the agent of this machine")
            return None
        activation: dict[str, str] = json.loads(finished.output)
        return activation

    def _command(self, *words: str) -> list[str]:
        package = self.folder / "packages" / "agent.pyz"
        ca = self.folder / "tls" / "ca.pem"
        known = ("--state-dir", str(self.place), "--server", self.server, "--ca", str(ca))
        # Isolated: the agent brings all its code and needs nothing of the console's packages.
        return [sys.executable, "-I", str(package), *words, *known]


def management(name: str, environment: dict[str, str], *words: str) -> Program:
    return Program(name, [sys.executable, str(env.BASE_DIR / "manage.py"), *words], environment)
