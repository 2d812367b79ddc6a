"""The commands of the command line but `serve`. Each returns an exit status."""

import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

import aiohttp
import msgspec

from graph import document
from graph.node import Input, NodeSpec
from graph.suggest import did_you_mean
from graph.workflow import Json, Workflow
from server import api, offline, places
from server.client import AsyncClient, Refused
from server.config import Config, Loaded
from server.console import Progress, complain, say, say_json, tell_problems
from server.folders import Folders
from server.submission import check, targets_of, with_value
from server.workflows import understand

FINE, WRONG, FAILED = 0, 1, 3


class CommandError(Exception):
    """The command cannot be carried out; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def run(
    config: Config,
    file: str,
    sets: Sequence[str],
    targets: Sequence[str] | None,
    out: str | None,
    as_json: bool,
) -> int:
    """Carry out a workflow without a server. Pictures go to `out`, or to the output folder."""
    data = read(file)
    ended, made = asyncio.run(rendered(config, data, sets, targets, out))
    if as_json:
        say_json({"run": ended, "files": [str(path) for path in made]})
    else:
        for path in made:
            say(str(path))
        for text in (item.text for shown in ended.outputs for item in shown.items if item.kind == "text"):
            say(text)
    if ended.state != "succeeded":
        tell_problems(ended.problems)
    return FINE if ended.state == "succeeded" else FAILED


async def rendered(
    config: Config, data: bytes, sets: Sequence[str], targets: Sequence[str] | None, out: str | None
) -> tuple[api.Run, list[Path]]:
    """The ended run, and where its pictures lie."""
    spare = config.output
    with tempfile.TemporaryDirectory(prefix="photogram-") as temporary:
        if out is not None:
            folder = Path(out) if out.endswith("/") or Path(out).is_dir() else Path(out).parent
            folder.mkdir(parents=True, exist_ok=True)
            config = replace(config, output=Path(temporary))
        async with offline.bench(config) as bench:
            specs = {spec.type: spec for spec in (await bench.catalog()).nodes}
            workflow = loaded(data, specs)
            for text in sets:
                workflow = with_setting(workflow, specs, text)
            titles = {
                id: node.title or (specs[node.type].title if node.type in specs else "") or node.type
                for id, node in workflow.graph.nodes.items()
            }
            ended = await bench.render(workflow, targets, Progress(titles))
        if out is None:
            names = [item.name for shown in ended.outputs for item in shown.items if item.folder == "output"]
            return ended, [config.output / name for name in names if name]
        return ended, offline.moved(ended, config.output, Path(out), spare)


def validate(config: Config, file: str, as_json: bool) -> int:
    """List what is wrong with a workflow."""
    specs = specs_of(config)
    workflow = loaded(read(file), specs)
    places.add_examples(config.input)
    warnings = check(workflow, specs, None, Folders(config.models, config.input, {"output": config.output}))
    if as_json:
        say_json(api.Problems(warnings))
    else:
        tell_problems(warnings)
        say("The workflow is fine.")
    return FINE


def convert(config: Config, file: str, out: str | None) -> int:
    """Turn a workflow of any known format into ours."""
    imported = understand(read(file), specs_of(config))
    text = document.write(document.from_json(imported.workflow))
    tell_problems(imported.problems)
    if out is None:
        sys.stdout.write(text)
    else:
        Path(out).write_text(text, encoding="utf-8")
    return FINE


def nodes(config: Config, name: str | None, as_json: bool) -> int:
    """List the node types, or describe one."""
    catalog = asyncio.run(offline.catalog(config))
    tell_broken(catalog)
    if name is None:
        if as_json:
            say_json(catalog)
        else:
            for spec in sorted(catalog.nodes, key=lambda spec: (spec.category, spec.type)):
                about = spec.description.partition("\n")[0]
                say(f"{spec.category:<28} {spec.type:<32} {about}".rstrip())
        return FINE
    found = next((spec for spec in catalog.nodes if spec.type == name), None)
    if found is None:
        hint = did_you_mean(name, [spec.type for spec in catalog.nodes])
        raise CommandError(f"There is no node type {name}.", hint or "List them with: photogram nodes")
    if as_json:
        say_json(found)
    else:
        say(described(found))
    return FINE


def described(spec: NodeSpec) -> str:
    """A node type for people."""
    lines = [f"{spec.type}  ({spec.title or spec.type}, {spec.category})"]
    lines += [spec.description] if spec.description else []
    for title, ports in (("Inputs", spec.inputs), ("Outputs", spec.outputs)):
        lines += ["", title]
        for port in ports:
            about = _about(port) if isinstance(port, Input) else port.tooltip
            lines.append(f"  {port.name:<20} {port.type:<14} {about}".rstrip())
    return "\n".join(lines)


def _about(input: Input) -> str:
    widget = input.widget
    default = f"default {input.default!r}. " if widget is not None and input.default is not None else ""
    limits = f"{widget.low} to {widget.high}, " if widget is not None and widget.low is not None else ""
    options = (
        f"one of {', '.join(map(str, widget.options))}; " if widget is not None and widget.options else ""
    )
    optional = "optional. " if input.optional else ""
    return f"{limits}{options}{default}{optional}{input.tooltip}"


def models(config: Config, as_json: bool) -> int:
    """List the files that workflows can name."""
    found = Folders(config.models, config.input).all()
    if as_json:
        say_json(api.Folders(found))
    else:
        for kind, names in found.items():
            for name in names:
                say(f"{kind:<24} {name}")
    return FINE


def queue(config: Config, as_json: bool) -> int:
    """List what a running server does."""
    runs = asyncio.run(_queued(f"http://{config.host}:{config.port}"))
    if as_json:
        say_json(runs)
    else:
        for each in runs:
            say(f"{each.id}  {each.state:<10} {each.title}")
    return FINE


async def _queued(address: str) -> tuple[api.Run, ...]:
    try:
        async with AsyncClient(address) as client:
            waiting = await client.runs("queued", 500)
            return (*await client.runs("running"), *sorted(waiting, key=lambda run: run.position or 0))
    except (aiohttp.ClientError, Refused, msgspec.MsgspecError) as error:
        raise CommandError(f"No Photogram answers at {address}.", "Start it with: photogram serve") from error


def settings(loaded: Loaded, as_json: bool) -> int:
    """Print every setting and where it comes from."""
    values = {each.name: getattr(loaded.config, each.name) for each in fields(loaded.config)}
    plain = {name: _plain(value) for name, value in values.items()}
    if as_json:
        say_json({name: {"value": value, "from": loaded.origins[name]} for name, value in plain.items()})
    else:
        for name, value in plain.items():
            shown = ", ".join(value) if isinstance(value, list) else value
            say(f"{name:<20} {shown!s:<52} {loaded.origins[name]}")
    return FINE


def _plain(value: object) -> Json:
    if isinstance(value, tuple):
        return [str(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def read(file: str) -> bytes:
    """A file, or stdin for `-`. Raises CommandError."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.", "Check the path.") from error


def loaded(data: bytes, specs: Mapping[str, NodeSpec]) -> Workflow:
    """A workflow of any known format; what could not be carried over is told."""
    imported = understand(data, specs)
    tell_problems(imported.problems)
    return document.from_json(imported.workflow)


def specs_of(config: Config) -> Mapping[str, NodeSpec]:
    """The node types by name."""
    catalog = asyncio.run(offline.catalog(config))
    tell_broken(catalog)
    return {spec.type: spec for spec in catalog.nodes}


def tell_broken(catalog: api.Catalog) -> None:
    """Name the packs that could not be imported."""
    for pack in catalog.broken:
        complain(f"The node pack {pack.name} is left out: {pack.reason}")


def with_setting(workflow: Workflow, specs: Mapping[str, NodeSpec], text: str) -> Workflow:
    """Apply one `NODE.INPUT=VALUE` or `NAME=VALUE`. Raises CommandError, WorkflowError."""
    key, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"--set {text} has no =.", "Write --set NODE.INPUT=VALUE.")
    input = next((_input(workflow, specs, *target) for target in targets_of(workflow.graph, key)), None)
    return with_value(workflow, specs, key, parsed(value, input))


def parsed(text: str, input: Input | None) -> Json:
    """The value that a text stands for: itself where texts are wanted, else JSON if it is JSON."""
    is_text = input is not None and (
        input.type == "STRING" or (input.widget and text in input.widget.options)
    )
    if is_text:
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _input(workflow: Workflow, specs: Mapping[str, NodeSpec], node: str, name: str) -> Input | None:
    found = workflow.graph.nodes.get(node)
    spec = specs.get(found.type) if found is not None else None
    return next((each for each in spec.inputs if each.name == name), None) if spec is not None else None
