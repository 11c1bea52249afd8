"""A whole console in a folder of its own, and this process as one that asks it for runs."""

import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from tests.up.house import House

# All but the agent, which stands for a server elsewhere.
SERVER_PARTS = ("up", "valkey", "web", "worker", "scheduler")


@contextmanager
def workshop():
    """A folder with a short path: the names of sockets are short."""
    folder = Path(tempfile.mkdtemp(prefix="ca-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def console(folder, *options, **variables):
    variables = {"PUBLIC_HOST": "127.0.0.1", "LOG_LEVEL": "WARNING", **variables}
    house = House(folder / "house", *options, **variables).start()
    try:
        yield house
    finally:
        house.stop()


def server_pids(house):
    return [house.pids[name] for name in SERVER_PARTS]


def become_driver(house):
    """Set Django up on the console's data folder, once for this process."""
    import django

    os.environ["DATA_DIR"] = str(house.folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"
    django.setup()


class Driver:
    """Asks for runs through the operation and hears of their end, as the API will: no polling sleep."""

    def __init__(self):
        from access.operations.identities import principal_named
        from access.operations.quotas import EVERYWHERE, set_quota
        from access.principals import Door
        from access.rules.quotas import MOST, RUNS
        from assistant.instances.models import Region
        from assistant.invocations.models import Guard

        self.principal = principal_named("admin", Door.COMMAND)
        self.region = Region.objects.get()
        # A fleet is run on more often here than a region may in a day.
        set_quota(self.principal, RUNS, EVERYWHERE, MOST)
        # And all of it at once, without being asked.
        Guard.objects.create(percent=100)
        self.cpu_seconds = 0.0
        self.last = None

    def run(self, instance_ids, content="echo hi"):
        """Seconds from the call to the last result seen."""
        from assistant.commands.operations.scripts import Script
        from assistant.instances.models import Instance
        from assistant.invocations.operations.runs import run_command
        from console.management.commands._runs import News

        targets = Instance.objects.all()
        if instance_ids is not None:
            targets = targets.filter(pk__in=instance_ids)
        with News(is_wanted=True) as news:
            began, cpu_began = time.perf_counter(), time.process_time()
            self.last = run_command(self.principal, self.region, Script(content=content), targets=targets)
            self.cpu_seconds = time.process_time() - cpu_began
            news.until_final(self.last)
            return time.perf_counter() - began

    def checked_run(self, instance_ids):
        """The same, and nobody may have failed."""
        seconds = self.run(instance_ids)
        assert self.last.n_success == self.last.n_total, self.last.counts
        return seconds

    def connected(self):
        from assistant.instances.models import Instance

        return sorted(Instance.objects.registered().connected().values_list("pk", flat=True))
