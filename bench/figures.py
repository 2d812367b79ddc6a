"""What a benchmark tells: figures, printed as a table or, with --json, as JSON for `bench.all`."""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """Something measured. `goal` is the most it should be; None where there is only something to know."""

    name: str
    value: float
    unit: str
    goal: float | None = None


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and of all threads of the process together."""

    wall: float
    cpu: float


def cost(function: Callable[[], object], times: int = 1, before: Callable[[], object] = lambda: None) -> Cost:
    """The least of several measurements, of each kind."""
    walls, cpus = [], []
    for _ in range(times):
        before()
        wall, cpu = time.perf_counter(), time.process_time()
        function()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Cost(min(walls), min(cpus))


def peak_bytes() -> int:
    """The most memory the process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def show(figures: Iterable[Figure]) -> None:
    """Print the figures, each as soon as it is known."""
    for figure in figures:
        print(json.dumps(asdict(figure)) if "--json" in sys.argv else line(figure), flush=True)


def line(figure: Figure) -> str:
    """One row of the table."""
    goal = "" if figure.goal is None else f"at most {figure.goal:g}"
    kept = "" if figure.goal is None else ("kept" if figure.value <= figure.goal else "MISSED")
    return f"{figure.name:<58} {figure.value:>10.4g} {figure.unit:<8} {goal:<14} {kept}".rstrip()
