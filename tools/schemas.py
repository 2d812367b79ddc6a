"""Publish what other programs read: `python -m tools.schemas` writes the schemas in docs/."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from graph import document
from server.app import TABLES
from server.config import version
from server.openapi import describe

DOCS = Path(__file__).resolve().parent.parent / "docs"


def published() -> Iterator[tuple[Path, str]]:
    """Each published file and the text it should have."""
    routes = chain.from_iterable(table.ROUTES for table in TABLES)
    schemas = {"workflow.schema.json": document.schema(), "openapi.json": describe(routes, version())}
    for name, schema in schemas.items():
        yield DOCS / name, json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write them all."""
    for path, text in published():
        path.write_text(text, encoding="utf-8")
        print(f"Wrote {path}.")


if __name__ == "__main__":
    main()
