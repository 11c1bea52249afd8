"""One process that starts the others in order, keeps them running, and stops them in order."""

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import dataclass

from console import env
from console.up import log, readiness, surroundings, valkey
from console.up.children import Child, Program, Reaper, manner, run
from console.up.errors import CannotStart
from console.up.folder import DataFolder
from console.up.listeners import Listeners
from console.up.local_agent import LocalAgent, management
from console.up.plan import Plan
from console.up.report import Addresses, greet, say, write_ready_file

# In this order, and by when each has ended at the latest, in seconds from the order to stop. Who asks for
# work ends before who does it; the web process is the last that others talk to, Redis the last it talks to.
STOPS = {"agent": 5.0, "scheduler": 5.5, "worker": 7.0, "web": 9.0, "valkey": 9.5}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the preparation has found and made."""

    first_password: str = ""
    is_new: bool = False
    # The name by which the TLS certificate knows this machine, for the agent on it.
    local_host: str = "127.0.0.1"


class Supervisor:
    def __init__(self, plan: Plan, folder: DataFolder, listeners: Listeners | None) -> None:
        self._plan = plan
        self._folder = folder
        self._listeners = listeners
        tls_port = listeners.tls_port if listeners else env.number("TLS_PORT", 8443, least=1)
        self._preparation = surroundings.of_preparation(
            folder.path, public_host=env.public_host(), tls_port=tls_port
        )
        self._environment = surroundings.of_parts(self._preparation)
        self._children: dict[str, Child] = {}
        self._is_ready = False

    async def run(self) -> None:
        """Until told to stop. Raises CannotStart."""
        self._reaper = Reaper()
        stop = stop_signals()
        start = asyncio.create_task(self._start())
        told = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({start, told}, return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                start.result()
                await told
        finally:
            start.cancel()
            told.cancel()
            await asyncio.gather(start, told, return_exceptions=True)
            await self._stop()

    async def _start(self) -> None:
        """The order matters: each step needs what those before it have made."""
        began = time.monotonic()
        if self._plan.has_own_redis:
            valkey.clean_up(self._folder.path)
            self._keep(valkey.program(self._folder.path))
        if not self._plan.only:
            surroundings.note(self._environment)
        prepared = await self._prepare()
        if self._plan.has_own_redis:
            await valkey.until_it_answers(self._folder.path)
        for part in self._plan.parts:
            self._keep(self._program(part))
        if self._listeners:
            path = "/healthz" if self._plan.only else "/readyz"
            await readiness.until_ready(self._listeners.plain_address, path)
        if self._plan.with_agent:
            await self._start_agent(prepared)
        self._is_ready = True
        self._tell_ready()
        self._greet(prepared, time.monotonic() - began)

    async def _prepare(self) -> Prepared:
        if self._plan.only == "scheduler":
            return Prepared()
        words = ["prepare"] if self._plan.only != "worker" else ["prepare", "--check"]
        finished = await run(self._reaper, management("preparation", self._preparation, *words))
        if finished.status == 1:
            # It has said why.
            raise CannotStart("")
        if finished.status:
            raise CannotStart(f"The preparation {manner(finished.status)}.")
        return Prepared(**json.loads(finished.output or b"{}"))

    def _program(self, part: str) -> Program:
        command = [sys.executable, "-P", "-m", f"console.up.{part}"]
        if part != "web" or not self._listeners:
            return Program(part, command, self._environment)
        descriptors = self._listeners.descriptors
        sockets = ",".join(str(descriptor) for descriptor in descriptors)
        return Program(part, command, {**self._environment, "WEB_SOCKET_FDS": sockets}, descriptors)

    async def _start_agent(self, prepared: Prepared) -> None:
        agent = LocalAgent(
            self._folder.path,
            self._folder.installation_id,
            f"{prepared.local_host}:{self._preparation['TLS_PORT']}",
            self._environment,
        )
        if agent.was_deregistered and not prepared.is_new:
            return
        if (not agent.instance_id or prepared.is_new) and not await agent.register(self._reaper):
            return
        self._keep(agent.program())
        await agent.until_connected(self._reaper)

    def _keep(self, program: Program) -> None:
        self._children[program.name] = Child(program, self._reaper, self._tell_ready)

    def _tell_ready(self) -> None:
        if not self._is_ready or self._plan.ready_file is None:
            return
        urls = {}
        if self._listeners:
            addresses = self._addresses()
            urls = {"console": addresses.console, "servers": addresses.servers}
        pids = {name: child.pid for name, child in self._children.items() if child.pid is not None}
        try:
            write_ready_file(self._plan.ready_file, self._folder.path, urls, {"up": os.getpid(), **pids})
        except OSError as error:
            log.error("The ready file cannot be written", file=self._plan.ready_file, reason=error.strerror)

    def _greet(self, prepared: Prepared, seconds: float) -> None:
        if self._listeners:
            password = prepared.first_password
            greet(self._folder.path, self._addresses(), first_password=password, seconds=seconds)
        else:
            log.info(f"The {self._plan.only} runs")

    def _addresses(self) -> Addresses:
        assert self._listeners is not None  # noqa: S101 - asked for only where there are some
        host = self._preparation["PUBLIC_HOST"]
        return Addresses(self._listeners.plain_address, host, self._listeners.tls_port)

    async def _stop(self) -> None:
        if self._is_ready and self._listeners:
            say("Stopping ...")
        self._is_ready = False
        if self._plan.ready_file is not None:
            self._plan.ready_file.unlink(missing_ok=True)
        began = asyncio.get_running_loop().time()
        for name, seconds in STOPS.items():
            child = self._children.get(name)
            if child is not None:
                await child.stop(began + seconds)
        if self._plan.has_own_redis:
            valkey.clean_up(self._folder.path)
        if not self._plan.only:
            surroundings.forget(self._folder.path)


def stop_signals() -> asyncio.Event:
    """Set by Ctrl-C, by SIGTERM, and by the terminal's end unless `nohup` said otherwise."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            loop.add_signal_handler(number, stop.set)
    return stop
