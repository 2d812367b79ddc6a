"""Write web/src/api/types.ts from the dataclasses of server/api.py and graph.

Run as `python -m tools.typescript` in the checkout; with `--check` it only compares.
"""

import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path

from graph import errors, events, node, workflow
from server import api

TARGET = Path(__file__).parent.parent / "web" / "src" / "api" / "types.ts"

HEADER = """// Generated from server/api.py and graph/*.py by `python -m tools.typescript`. Do not edit.

/** Plain JSON data. Integers beyond 2^53 are bigint: decode with the reviver that keeps source text. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject;
export interface JsonObject { readonly [key: string]: Json }
"""

FOOTER = """
/** What one event says; the union is on `kind`. */
export type EventBody = {events};

/** A text frame of /v1/events: `run` is absent where no run is concerned. */
export type ServerEvent = Resync | (EventBody & {{ readonly seq: number; readonly run?: string }});
"""

ALIASES = {
    "WidgetKind": node.WidgetKind,
    "NodeState": workflow.NodeState,
    "SeedMode": workflow.SeedMode,
    "RunState": api.RunState,
    "WorkerState": api.WorkerState,
    "FileFolder": api.FileFolder,
}

DOCUMENT = (workflow.Group, workflow.Note, workflow.NamedInput, workflow.NamedOutput)
"""Parts of the workflow file that look on disk as they do in memory; what is a default may be left out."""

DESCRIPTIONS = (errors.Problem, node.Widget, node.Grows, node.Option, node.Input, node.Output, node.NodeSpec)

EVENTS = (
    events.NodesReused,
    events.NodeStarted,
    events.NodeProgress,
    events.NodeShown,
    events.NodeFinished,
    events.NodeProblem,
    api.RunQueued,
    api.RunStarted,
    api.RunFinished,
    api.QueueChanged,
    api.WorkerChanged,
    api.CatalogChanged,
    api.FoldersChanged,
)

REQUESTS = (api.RunRequest, api.CancelRequest)

SCALARS: dict[object, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
    typing.Any: "Json",
    object: "Json",
}


def render() -> str:
    """The whole TypeScript file."""
    answers = [kind for kind in public_dataclasses(api) if kind not in EVENTS + REQUESTS]
    parts = [HEADER]
    parts += [f"export type {name} = {typescript(alias, named=False)};\n" for name, alias in ALIASES.items()]
    parts += [interface(kind, sparse=True) for kind in (*DOCUMENT, *REQUESTS)]
    parts += [interface(kind, sparse=False) for kind in (*DESCRIPTIONS, *answers, *EVENTS)]
    parts.append(FOOTER.format(events=" | ".join(kind.__name__ for kind in EVENTS)))
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def public_dataclasses(module: types.ModuleType) -> list[type]:
    """The dataclasses a module defines itself, in the order of its source."""
    mine = [
        kind for kind in vars(module).values() if inspect.isclass(kind) and kind.__module__ == module.__name__
    ]
    return [kind for kind in mine if dataclasses.is_dataclass(kind)]


def interface(kind: type, sparse: bool) -> str:
    """One dataclass as an interface. `sparse`: fields with a default may be absent."""
    hints = typing.get_type_hints(kind)
    lines = [*comment(kind), f"export interface {kind.__name__} {{"]
    for field in dataclasses.fields(kind):
        optional = sparse and not (field.default is field.default_factory is dataclasses.MISSING)
        lines.append(f"  readonly {field.name}{'?' * optional}: {typescript(hints[field.name])};")
    return "\n".join([*lines, "}"])


def comment(kind: type) -> list[str]:
    """The docstring as a comment; nothing where the author wrote none."""
    text = kind.__doc__ or ""
    if text.startswith(f"{kind.__name__}("):  # what dataclass writes when the author wrote nothing
        return []
    lines = inspect.cleandoc(text).replace("*/", "* /").splitlines()
    return (
        [f"/** {lines[0]} */"]
        if len(lines) == 1
        else ["/**", *(f" * {line}".rstrip() for line in lines), " */"]
    )


def typescript(hint: object, named: bool = True) -> str:
    """The TypeScript type of a Python annotation."""
    if named and (alias := next((name for name, known in ALIASES.items() if known == hint), None)):
        return alias
    if hint in SCALARS:
        return SCALARS[hint]
    if inspect.isclass(hint) and dataclasses.is_dataclass(hint):
        return hint.__name__
    return composed(typing.get_origin(hint), typing.get_args(hint))


def composed(origin: object, arguments: tuple[object, ...]) -> str:
    """The TypeScript type of a parametrised annotation."""
    if origin is typing.Literal:
        return " | ".join(f'"{value}"' for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(dict.fromkeys(typescript(argument) for argument in arguments))
    if origin in (tuple, Sequence) and (origin is Sequence or arguments[-1] is Ellipsis):
        return f"readonly {bracketed(typescript(arguments[0]))}[]"
    if origin is tuple:
        return f"readonly [{', '.join(typescript(argument) for argument in arguments)}]"
    if origin in (dict, Mapping):
        return f"{{ readonly [key: string]: {typescript(arguments[1])} }}"
    raise TypeError(f"{origin} with {arguments} has no TypeScript type yet: teach tools/typescript.py.")


def bracketed(text: str) -> str:
    """`text` so that `[]` may follow."""
    return f"({text})" if " " in text else text


def main() -> int:
    """Write the file, or with --check say whether it is stale. Exit status 1 if stale."""
    text = render()
    if "--check" in sys.argv[1:]:
        fresh = TARGET.exists() and TARGET.read_text(encoding="utf-8") == text
        print("types.ts is up to date." if fresh else "types.ts is stale. Run: python -m tools.typescript")
        return not fresh
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    print(f"Wrote {TARGET}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
