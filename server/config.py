"""The settings: defaults, then config.toml, then the environment (PHOTOGRAM_...), then flags.

The only place that reads the environment. Below `server`, functions get values, never the `Config`.
"""

import ipaddress
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

from graph.suggest import did_you_mean

Precision: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]
DeviceChoice: TypeAlias = Literal["auto", "cpu", "cuda", "mps"]

Layer: TypeAlias = Mapping[str, object]

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
PREFIX = "PHOTOGRAM_"
PROGRAM = Path(__file__).resolve().parent.parent
"""Where the packages lie: the checkout, or site-packages."""


def home(program: Path = PROGRAM) -> Path:
    """Where models, pictures and data go when no setting says otherwise."""
    return program if (program / "pyproject.toml").exists() else Path.home() / "photogram"


BUNDLED = home() / "models"
"""Where the bundled models lie. The templates use them, so they can always be chosen."""


def version() -> str:
    """The version of the program."""
    try:
        return metadata.version("photogram")
    except metadata.PackageNotFoundError:
        project = tomllib.loads((PROGRAM / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])


def setting(default: object, about: str) -> Any:
    """A field of `Config` with its sentence for --help; a function as default is called."""
    if callable(default):
        return field(default_factory=default, metadata={"about": about})
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting. Each can also stand in config.toml, in the environment and on the command line."""

    port: int = setting(8188, "the port to listen on; 0 takes a free one")
    listen: str = setting("127.0.0.1", "the address to listen on")
    hosts: tuple[str, ...] = setting((), "further names this server is reached by, as NAME or NAME:PORT")
    models: tuple[Path, ...] = setting(
        lambda: (BUNDLED,), "a folder with checkpoints/, loras/, ...; the bundled one comes last"
    )
    input: Path = setting(lambda: home() / "input", "the folder for pictures that workflows read")
    output: Path = setting(lambda: home() / "output", "the folder for what workflows make")
    data: Path = setting(lambda: home() / "data", "the folder for the queue, saved workflows and config.toml")
    custom_nodes: Path = setting(lambda: PROGRAM / "nodes" / "custom", "the folder of custom node packs")
    device: DeviceChoice = setting("auto", "what computes")
    precision: Precision = setting("auto", "the number format of the computation")
    threads: int = setting(0, "how many CPU threads compute; 0 leaves it to the machine")
    cache_bytes: int = setting(2 * 1024**3, "how much memory finished results may keep")
    min_free_bytes: int = setting(
        1_000_000_000, "take no uploads and no new runs while a disk has less room than this"
    )
    run_timeout_minutes: float = setting(30.0, "end a run that shows no progress for this long")
    log_level: Literal["debug", "info", "warning", "error"] = setting("info", "how much to log")
    log_json: bool = setting(False, "log one JSON object per line")

    @property
    def host(self) -> str:
        """The address to listen on, as it stands in a URL."""
        return f"[{self.listen}]" if ":" in self.listen else self.listen

    @property
    def temp(self) -> Path:
        """Where previews go; emptied when the server starts."""
        return self.data / "temp"


class ConfigError(Exception):
    """A setting is wrong; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and for each where its value came from."""

    config: Config
    origins: Mapping[str, str]


def load(flags: Mapping[str, object], environ: Mapping[str, str] | None = None) -> Loaded:
    """Collect the settings. `flags` holds those given on the command line, and `config` for another file.

    Raises ConfigError if one is unknown or has a wrong value.
    """
    environment = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origins = {known.name: "default" for known in fields(Config)}
    for origin, layer in _layers(flags, environment):
        for name, raw in layer.items():
            values[name] = _converted(name, raw, origin)
            origins[name] = origin
    if "models" in values:
        values["models"] = tuple(dict.fromkeys((*values["models"], BUNDLED)))
    config = Config(**values)
    _check(config)
    return Loaded(config, MappingProxyType(origins))


def missing_models(loaded: Loaded) -> tuple[Path, ...]:
    """The models folders that somebody named and that are not there, as on a disk that is not plugged in."""
    return tuple(folder for folder in loaded.config.models if folder != BUNDLED and not folder.exists())


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _layers(flags: Mapping[str, object], environ: Mapping[str, str]) -> Sequence[tuple[str, Layer]]:
    """The sources from the weakest to the strongest, each with its name."""
    known = {each.name for each in fields(Config)}
    given = {name: value for name, value in flags.items() if name in known and value is not None}
    variables = {name: environ[key] for name in known if (key := PREFIX + name.upper()) in environ}
    data = Path(str(given.get("data") or variables.get("data") or Config().data))
    named = flags.get("config") or environ.get(PREFIX + "CONFIG")
    path = Path(str(named)) if named else data / "config.toml"
    return (
        (str(path), _read(path, required=bool(named), known=known)),
        *((PREFIX + name.upper(), {name: value}) for name, value in variables.items()),
        *((flag_of(name), {name: value}) for name, value in given.items()),
    )


def _read(path: Path, required: bool, known: set[str]) -> Mapping[str, object]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if required:
            raise ConfigError(
                f"The settings file {path} is not there.", "Check the path after --config."
            ) from None
        return {}
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise ConfigError(
            f"The settings file {path} cannot be read: {reason}.", "Mend or remove it."
        ) from error
    for name in values:
        if name not in known:
            hint = did_you_mean(name, known) or f"The settings are {', '.join(sorted(known))}."
            raise ConfigError(f"The settings file {path} has no setting called {name}.", hint)
    return values


def flag_of(name: str) -> str:
    """The flag of a setting: `cache_bytes` is --cache-bytes."""
    return "--" + name.replace("_", "-")


def _converted(name: str, raw: object, origin: str) -> object:
    """The value of a setting in its own type. Raises ConfigError if it does not fit."""
    kind = Config.__annotations__[name]
    try:
        return _convert(kind, raw)
    except ValueError as error:
        raise ConfigError(f"{name} cannot be {raw!r} (from {origin}).", str(error)) from error


def _convert(kind: object, raw: object) -> object:
    if kind in (tuple[Path, ...], tuple[str, ...]):
        separator = os.pathsep if kind == tuple[Path, ...] else ","
        parts = raw.split(separator) if isinstance(raw, str) else raw
        if not isinstance(parts, list | tuple) or not all(isinstance(part, str | Path) for part in parts):
            raise ValueError("It takes a list of texts.")
        return tuple(_path(part) if kind == tuple[Path, ...] else str(part) for part in parts if str(part))
    if options := get_args(kind):
        if raw not in options:
            raise ValueError(f"It takes one of {', '.join(options)}.")
        return raw
    converters: Mapping[object, Callable[[Any], object]] = {
        bool: _switch,
        int: _whole,
        float: _number,
        Path: _path,
        str: _text,
    }
    return converters[kind](raw)


def _switch(raw: object) -> bool:
    word = str(raw).lower()  # of a bool too
    if word not in TRUE + FALSE:
        raise ValueError("It takes true or false.")
    return word in TRUE


def _whole(raw: object) -> int:
    if isinstance(raw, int | str) and not isinstance(raw, bool) and str(raw).lstrip("+").isascii():
        try:
            number = int(raw)
        except ValueError:
            number = -1
        if number >= 0:
            return number
    raise ValueError("It takes a whole number that is not negative.")


def _number(raw: object) -> float:
    try:
        number = float(str(raw))
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ValueError("It takes a number that is not negative.")
    return number


def _path(raw: object) -> Path:
    if not isinstance(raw, str | Path) or not str(raw) or "\0" in str(raw):
        raise ValueError("It takes the path of a folder.")
    return Path(raw).expanduser().absolute()


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not raw or not raw.isprintable():
        raise ValueError("It takes a text in one line.")
    return raw


def _check(config: Config) -> None:
    """What must hold between settings: who reaches the server, and no code where files are written."""
    if config.port > 65535:
        raise ConfigError(f"There is no port {config.port}.", "Ports go from 1 to 65535; 0 takes a free one.")
    if not is_loopback(config.listen):
        raise ConfigError(
            f"Listening on {config.listen} would let anyone who reaches this machine use it, and "
            "this version has no sign-in.",
            "Leave --listen at 127.0.0.1. From another machine, forward the port over ssh: "
            f"ssh -L {config.port}:127.0.0.1:{config.port} NAME-OF-THIS-MACHINE",
        )
    for folder in config.models:
        if folder.is_file():
            raise ConfigError(f"{folder} is a file.", "Give --models a folder with checkpoints/, loras/, ...")
    for name in ("data", "custom_nodes"):
        for writable in (config.input, config.output, config.temp, config.data / "workflows"):
            if getattr(config, name).resolve().is_relative_to(writable.resolve()):
                raise ConfigError(
                    f"The {name} folder lies inside {writable}, where uploads and results are written.",
                    f"Choose another folder with {flag_of(name)}.",
                )
