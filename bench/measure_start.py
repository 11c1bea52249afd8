"""How long `manage.py up` takes, on a fresh data folder and on a used one, and what it weighs when idle."""

import argparse
import time
import urllib.error
import urllib.request

from bench.consoles import SERVER_PARTS, workshop
from bench.processes import cpu_seconds, memory
from bench.report import show, spin
from tests.up.house import House, free_port, until

PAUSE_SECONDS = 0.01
SETTLE_SECONDS = 10
LONGEST_SECONDS = 60


def start(folder):
    """Seconds until /readyz says 200, until the local agent is connected, and the console."""
    port = free_port()
    house = House(folder, "--port", str(port), PUBLIC_HOST="127.0.0.1", LOG_LEVEL="WARNING")
    began = time.monotonic()
    house.begin()
    until_ready(house, f"http://127.0.0.1:{port}/readyz", began + LONGEST_SECONDS)
    ready = time.monotonic() - began
    until(lambda: house.is_ready, LONGEST_SECONDS)
    return ready, time.monotonic() - began, house


def until_ready(house, url, deadline):
    while not answers(url):
        assert time.monotonic() < deadline, house.said
        assert house.process.poll() is None, house.said
        time.sleep(PAUSE_SECONDS)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def measure_starts(folder, rounds):
    """Each round a cold one and a warm one; the last console goes on."""
    samples = {"cold": ([], []), "warm": ([], [])}
    noise = []
    for number in range(rounds):
        place = folder / f"house-{number}"
        noise.append(spin())
        for kind in ("cold", "warm"):
            ready, connected, house = start(place)
            samples[kind][0].append(ready)
            samples[kind][1].append(connected)
            if kind == "cold" or number < rounds - 1:
                house.stop()
    mean = round(sum(noise) / rounds, 1)
    for kind, (ready, connected) in samples.items():
        show("start: until /readyz", kind, ready, "s", spin_ms=mean)
        show("start: until the local agent is connected", kind, connected, "s", spin_ms=mean)
    return house


def measure_idle(house, seconds):
    time.sleep(SETTLE_SECONDS)
    pids = house.pids
    before = {name: cpu_seconds([pid]) for name, pid in pids.items()}
    time.sleep(seconds)
    sizes = {name: memory(pid) for name, pid in pids.items()}
    for name, pid in pids.items():
        share = (cpu_seconds([pid]) - before[name]) / seconds * 100
        facts = {"pss": round(sizes[name]["pss"] / 1024, 1), "cpu_percent": round(share, 2)}
        show("idle: RSS", name, [sizes[name]["rss"] / 1024], "MiB", **facts)
    for name, parts in (("server", SERVER_PARTS), ("server and local agent", tuple(pids))):
        whole = {kind: sum(sizes[part][kind] for part in parts) / 1024 for kind in ("rss", "pss")}
        show("idle: PSS, sum", name, [whole["pss"]], "MiB", rss=round(whole["rss"], 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=float, default=60, help="seconds over which idle CPU is counted")
    options = parser.parse_args()
    with workshop() as folder:
        house = measure_starts(folder, options.rounds)
        try:
            measure_idle(house, options.idle)
        finally:
            house.stop()


if __name__ == "__main__":
    main()
