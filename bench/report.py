"""What a measurement says: one JSON line for each contender, and how noisy the machine was."""

import json
import os
import statistics
import time

SPIN_STEPS = 300_000


def show(question, contender, samples, unit, *, against=None, **facts):
    """Print a line. `against`: name → samples of those that ran in the same rounds."""
    line = {
        "question": question,
        "contender": contender,
        "n": len(samples),
        "median": figure(statistics.median(samples)),
        "min": figure(min(samples)),
        "max": figure(max(samples)),
        "unit": unit,
    }
    if against:
        line["ratio"] = {name: spread(ratios(samples, theirs)) for name, theirs in against.items()}
    print(json.dumps({**line, **facts, "load": round(os.getloadavg()[0], 1)}), flush=True)


def ratios(samples, others):
    return [ours / theirs for ours, theirs in zip(samples, others, strict=True)]


def spread(values):
    median, least, most = statistics.median(values), min(values), max(values)
    return {"median": figure(median), "min": figure(least), "max": figure(most)}


def figure(value):
    """Four digits that count: more would only be noise."""
    return float(f"{value:.4g}")


def percentile(samples, share):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def spin():
    """Milliseconds of a fixed piece of work: how much of the machine others have."""
    began = time.perf_counter()
    total = 0
    for number in range(SPIN_STEPS):
        total += number
    return (time.perf_counter() - began) * 1000
