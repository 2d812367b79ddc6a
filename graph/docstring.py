"""Tooltips from a docstring: the first paragraph, the lines under `Args:`, the lines under `Returns:`."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_HEADING = re.compile(r"(Args|Arguments|Parameters|Returns|Raises|Yields|Example|Examples|Note|Notes):\s*$")
_ENTRY = re.compile(r"(\*{0,2}[\w.]+)(?:\s*\([^)]*\))?:\s+(.*)")


@dataclass(frozen=True, slots=True)
class Docs:
    """What a docstring says: about the node, its inputs and its outputs."""

    summary: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    returns: str = ""
    """All of `Returns:` as one text, for a single output."""


def parse(docstring: str | None) -> Docs:
    """Read a docstring in the style of this code base."""
    sections = dict(_sections(inspect.cleandoc(docstring or "")))
    returns = sections.get("Returns", [])
    summary = " ".join(line.strip() for line in _paragraph(sections.get("", [])))
    inputs = sections.get("Args") or sections.get("Arguments") or sections.get("Parameters") or []
    return Docs(
        summary, _entries(inputs), _entries(returns), " ".join(line.strip() for line in returns).strip()
    )


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    heading, lines = "", list[str]()
    for line in text.splitlines():
        if found := _HEADING.match(line):
            yield heading, lines
            heading, lines = found[1], []
        else:
            lines.append(line)
    yield heading, lines


def _paragraph(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if not line.strip():
            return
        yield line


def _entries(lines: list[str]) -> dict[str, str]:
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    entries: dict[str, str] = {}
    name = ""
    for line in lines:
        found = _ENTRY.match(line[margin:])
        if found:
            name = found[1].lstrip("*")
            entries[name] = found[2].strip()
        elif name and line.strip():
            entries[name] += " " + line.strip()
    return entries
