"""Contenders side by side: in each round everyone runs once, in an order that turns and flips."""

from bench.report import spin


def interleave(contenders, rounds, *, warm_up=1):
    """`contenders`: name → a function that gives one sample. Gives name → samples, and `spin` (the noise)."""
    names = list(contenders)
    samples = {name: [] for name in [*names, "spin"]}
    for number in range(-warm_up, rounds):
        noise = spin()
        measured = {name: contenders[name]() for name in order(names, number)}
        if number >= 0:
            samples["spin"].append(noise)
            for name in names:
                samples[name].append(measured[name])
    return samples


def order(names, number):
    turn = number % len(names)
    turned = names[turn:] + names[:turn]
    return turned[::-1] if number % 2 else turned
