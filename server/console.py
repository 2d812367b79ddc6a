"""What commands write: results to stdout, progress and problems to stderr."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from graph.errors import Problem


def say(text: str) -> None:
    """A result."""
    sys.stdout.write(text + "\n")


def say_json(value: object) -> None:
    """A result as JSON."""
    say(msgspec.json.format(msgspec.json.encode(value)).decode())


def complain(message: str, hint: str = "") -> None:
    """A sentence for the person, and what to do."""
    sys.stderr.write(" ".join(part for part in (message, hint) if part) + "\n")
    sys.stderr.flush()


def tell_problems(problems: Iterable[Problem]) -> None:
    """Each problem with its place, one per line."""
    for problem in problems:
        place = ".".join(part for part in (problem.node, problem.input) if part)
        kind = "warning: " if problem.warning else ""
        complain(f"{place + ': ' if place else ''}{kind}{problem.message}", problem.hint)


class Progress:
    """Writes what a run does to stderr: one line that changes on a terminal, one line per node elsewhere."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles
        self._live = sys.stderr.isatty()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """One event of a run."""
        title = self._titles.get(event.get("node", ""), event.get("node", ""))
        match event["kind"]:
            case "node_started":
                self._write(title)
            case "node_progress" if self._live:
                self._write(f"{title} {event['done']}/{event['total']}")
            case "node_problem" if (problem := event["problem"])["warning"]:
                self._clear()
                complain(f"{title}: {problem['message']}", problem["hint"])
            case "run_finished":
                self._clear()

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}" if self._live else f"{text}\n")
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
