"""More servers on this machine: agents as real processes, each with a folder of its own."""

import subprocess
import sys

from tests.up.house import environment
from tests.waiting import PATIENCE_SECONDS, eventually


class Server:
    def __init__(self, house, folder, name):
        self.house = house
        self.folder = folder
        self.name = name
        self.log = folder.with_suffix(".log")
        self.process = None
        self.id = ""

    def agent(self, *words, **how):
        package = self.house.folder / "packages" / "agent.pyz"
        command = [sys.executable, package, "--state-dir", self.folder, *words]
        return subprocess.Popen(command, env=environment(), text=True, **how)

    def register(self, activation):
        """As the pasted line does it: the code by standard input."""
        words = ["--register", "--region", "local", "--activation-id", activation["ActivationId"]]
        words += [
            "--server",
            f"127.0.0.1:{self.house.tls_port}",
            "--ca",
            self.house.folder / "tls" / "ca.pem",
        ]
        words += ["--machine-id", self.name, "--instance-name", self.name]
        registering = self.agent(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        said, _errors = registering.communicate(activation["ActivationCode"], timeout=PATIENCE_SECONDS)
        assert "register ok" in said
        self.id = said.partition("instance id: ")[2].split()[0]
        return self

    def start(self):
        with self.log.open("a") as log:
            self.process = self.agent("--run", stdout=log, stderr=log)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE_SECONDS)


class Servers:
    """The servers of one test."""

    def __init__(self, house, folder):
        self.house = house
        self.folder = folder
        self.all = []

    def add(self, *names):
        """Registered and connected servers with these names."""
        activation = self.house.document("create_activation", "--name-prefix", "e2e", "--quota", "100")
        added = []
        for name in names:
            server = Server(self.house, self.folder / name, name).register(activation).start()
            self.all.append(server)
            added.append(server)
        eventually(lambda: self.connected() >= {server.id for server in added})
        return added

    def connected(self):
        return {one["InstanceId"] for one in self.house.document("list_instances") if one["Connected"]}

    def end(self):
        for server in self.all:
            server.end()
