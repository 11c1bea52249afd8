"""From calling the operation to seeing its end: one target, and twenty real agents.

The floor runs in the same rounds: a bare websocket server and agents that start the same `bash`.
`--ssh PYTHON` adds asyncssh with kept connections; PYTHON is an interpreter that has it.
"""

import argparse

from bench.consoles import Driver, become_driver, console, workshop
from bench.floor import Floor
from bench.processes import Helper
from bench.report import percentile, show
from bench.rounds import interleave

ROUNDS_ALONE = 50


def measure(question, contenders, rounds):
    samples = interleave(contenders, rounds, warm_up=2)
    spin = round(sum(samples.pop("spin")) / rounds, 1)
    times = {name: [second * 1000 for second in seconds] for name, seconds in samples.items()}
    for name, own in times.items():
        others = {other: theirs for other, theirs in times.items() if other not in (name, "console")}
        p95 = round(percentile(own, 0.95), 2)
        show(question, name, own, "ms", against=others, p95=p95, spin_ms=spin)


def contenders_of(number, run, ssh):
    """The floor and, where asked for, SSH beside the console's own way; and how they end."""
    floor = Floor(number)
    made, ends = {"console": run, "floor": floor.run}, [floor.end]
    if ssh:
        helper = Helper("-m", "bench.ssh", number, python=ssh)
        made["asyncssh"] = lambda: helper.ask("run")["seconds"]
        ends.append(helper.end)
    return made, ends


def compare(question, number, run, *, rounds, ssh):
    contenders, ends = contenders_of(number, run, ssh)
    try:
        measure(question, contenders, rounds)
    finally:
        for end in ends:
            end()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS_ALONE)
    parser.add_argument("--agents", type=int, default=20, help="real agents of the second question")
    parser.add_argument("--ssh", metavar="PYTHON", default="")
    options = parser.parse_args()
    with workshop() as folder, console(folder) as house:
        become_driver(house)
        from tests.end_to_end.servers import Servers

        driver = Driver()
        local = driver.connected()
        compare(
            "one target",
            1,
            lambda: driver.checked_run(local),
            rounds=options.rounds,
            ssh=options.ssh,
        )
        servers = Servers(house, folder)
        try:
            ids = [server.id for server in servers.add(*(f"server-{n}" for n in range(options.agents)))]
            question = f"{options.agents} real agents"
            rounds = max(5, options.rounds // 4)
            compare(question, len(ids), lambda: driver.checked_run(ids), rounds=rounds, ssh=options.ssh)
        finally:
            servers.end()


if __name__ == "__main__":
    main()
