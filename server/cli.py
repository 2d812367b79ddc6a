"""The command line: `photogram serve`, `run`, `validate`, `import`, `nodes`, `models`, `queue`, `config`.

Results go to stdout, progress and problems to stderr. Exit status: 0 fine, 1 the workflow (or what the
command needs) is wrong, 2 wrong usage, 3 the run failed, 130 stopped with Ctrl+C.
"""

import argparse
import asyncio
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import get_args

from graph.errors import InvalidWorkflow, WorkflowError
from server import commands, logs
from server.config import PROGRAM, Config, ConfigError, Loaded, flag_of, load, missing_models, version
from server.console import complain, tell_problems
from server.database import DatabaseError
from server.listen import CannotListen, serve
from server.offline import NotWritten, WorkerUnavailable
from server.places import UnusableFolder

FINE, WRONG, USAGE, STOPPED = 0, 1, 2, 130
REFUSALS = (
    CannotListen,
    DatabaseError,
    NotWritten,
    UnusableFolder,
    WorkerUnavailable,
    commands.CommandError,
)
PACKAGES = ("graph", "diffusion", "nodes", "server")
PLACES = ("models", "input", "output", "data", "custom_nodes")
COMPUTING = ("device", "precision", "threads", "log_level")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        refuse_shadowed()
        return commanded(load(vars(options)), options)
    except ConfigError as error:
        complain(error.message, error.hint)
        return USAGE
    except InvalidWorkflow as error:
        tell_problems(error.problems)
    except WorkflowError as error:
        tell_problems((error.problem(),))
    except REFUSALS as error:
        complain(str(error), getattr(error, "hint", ""))
    except BrokenPipeError:
        return FINE
    except KeyboardInterrupt:
        complain("Stopped.")
        return STOPPED
    except OSError as error:
        complain(f"{error.filename or 'A file'} cannot be used: {error.strerror or error}.")
    return WRONG


def commanded(loaded: Loaded, options: argparse.Namespace) -> int:
    """Do what the command says; returns the exit status."""
    config = loaded.config
    if options.command != "serve" and loaded.origins["log_level"] == "default":
        config = replace(config, log_level="warning")
    logs.configure(config.log_level, config.log_json)
    for folder in missing_models(loaded):
        complain(f"There is no models folder {folder}, so nothing in it can be chosen.", "Check --models.")
    match options.command:
        case "run":
            return commands.run(config, options.file, options.set, options.target, options.out, options.json)
        case "validate":
            return commands.validate(config, options.file, options.json)
        case "import":
            return commands.convert(config, options.file, options.out)
        case "nodes":
            return commands.nodes(config, options.name, options.json)
        case "models":
            return commands.models(config, options.json)
        case "queue":
            return commands.queue(config, options.json)
        case "config":
            return commands.settings(loaded, options.json)
    asyncio.run(serve(config, lambda address: complain(f"Photogram is at {address}")))
    return FINE


def parser() -> argparse.ArgumentParser:
    """Every command with its flags. Those of the settings come from the table of settings."""
    whole = argparse.ArgumentParser(prog="photogram", description="A node-based editor for diffusion models.")
    whole.add_argument("--version", action="version", version=f"photogram {version()}")
    made = whole.add_subparsers(dest="command", metavar="COMMAND", required=True)
    every = tuple(each.name for each in fields(Config))

    command = _command(made, "serve", "open the editor and answer programs, until stopped", every, json=False)
    command = _command(made, "run", "carry out a workflow without a server", (*PLACES, *COMPUTING))
    command.add_argument(
        "file", metavar="FILE", help="a workflow, or a picture with one inside; - reads stdin"
    )
    command.add_argument(
        "--set",
        metavar="NODE.INPUT=VALUE",
        action="append",
        default=[],
        help="set an input, or NAME=VALUE a named one",
    )
    command.add_argument("--target", metavar="NODE", action="append", help="run up to this node only")
    command.add_argument("-o", "--out", metavar="PATH", help="where the pictures go: a file or a folder")
    command = _command(made, "validate", "list what is wrong with a workflow", PLACES)
    command.add_argument("file", metavar="FILE", help="a workflow, or a picture with one inside")
    command = _command(made, "import", "turn a workflow of any known format into ours", PLACES, json=False)
    command.add_argument("file", metavar="FILE", help="a workflow, or a picture with one inside")
    command.add_argument("-o", "--out", metavar="PATH", help="write it there instead of to stdout")
    command = _command(made, "nodes", "list the node types, or describe one", PLACES)
    command.add_argument("name", metavar="NAME", nargs="?", help="a node type, such as KSampler")
    _command(made, "models", "list the files that workflows can name", PLACES)
    _command(made, "queue", "list what a running server does", ("port", "listen", "data"))
    _command(made, "config", "print every setting and where it comes from", every)
    return whole


def _command(
    made: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    about: str,
    settings: Sequence[str],
    json: bool = True,
) -> argparse.ArgumentParser:
    command = made.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    if json:
        command.add_argument("--json", action="store_true", help="print JSON")
    group = command.add_argument_group("settings")
    group.add_argument("--config", metavar="FILE", help="settings from this file instead of config.toml")
    for each in fields(Config):
        if each.name in settings:
            _setting(group, each.name, Config.__annotations__[each.name], each.metadata["about"])
    return command


def _setting(group: argparse._ArgumentGroup, name: str, kind: object, about: str) -> None:
    """The flag of one setting; its value is checked together with those from elsewhere."""
    flag = flag_of(name)
    if kind is bool:
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=about)
    elif "tuple" in str(kind):
        group.add_argument(
            flag, action="append", metavar="VALUE", help=f"{about}; may be given several times"
        )
    else:
        shown = "|".join(get_args(kind)) or "VALUE"
        group.add_argument(flag, metavar=shown, help=about)


def refuse_shadowed() -> None:
    """Raises ConfigError if another module would be imported in place of one of our packages."""
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        place = str(PROGRAM / name / "__init__.py")
        if spec is None or spec.origin != place:
            found = "missing" if spec is None else f"hidden by {spec.origin}"
            raise ConfigError(
                f"The package {name} of Photogram is {found}.",
                "Start from another folder, and look into PYTHONPATH.",
            )


if __name__ == "__main__":
    sys.exit(main())
