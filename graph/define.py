"""`@node`: a plain function becomes a node type. Its signature is its whole definition.

The decorator returns the same function and leaves a mark on it; `Catalog.collect` finds the marks.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypedDict, TypeVar, Unpack

from graph.declared import declared
from graph.docstring import parse
from graph.errors import NodeDefinitionError, Problem, WorkflowError
from graph.inputs import ABSENT
from graph.lazy import Lazy
from graph.node import Host, Input, NodeSpec, Result, folder_of
from graph.returns import read_outputs
from graph.services import Files
from graph.signature import Parameter, arguments, read_parameters
from graph.sockets import pack_of
from graph.suggest import did_you_mean
from graph.workflow import Json

F = TypeVar("F", bound=Callable[..., Any])
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
MARK = "__photogram_node__"


class Options(TypedDict, total=False):
    """What `@node` may be told, where the signature does not say it."""

    title: str
    category: str
    version: int
    upgrades: Mapping[int, Upgrade]
    cache: bool
    fingerprint: Callable[..., Json]
    terminal: bool
    outputs: Sequence[str]
    output_titles: Sequence[str]
    deprecated: bool
    experimental: bool
    aliases: Sequence[str]
    grad: bool


@dataclass(frozen=True, slots=True)
class FunctionNode:
    """The implementation of a node that is a function."""

    spec: NodeSpec
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...] = field(repr=False)
    upgrades: Mapping[int, Upgrade] = field(default_factory=dict)
    fingerprint_of: Callable[..., Json] | None = None

    def inputs(self, values: Mapping[str, object]) -> Sequence[Input]:
        """The inputs with rows and variants filled in."""
        return tuple(declared(self.spec.inputs, values).values())

    def validate(self, values: Mapping[str, object]) -> Sequence[Problem]:  # noqa: ARG002
        """Nothing beyond what the description says."""
        return ()

    def fingerprint(self, values: Mapping[str, object], host: Host) -> Json:
        """The author's fingerprint, and what tells picked files from changed ones."""
        stamps = _stamps(declared(self.spec.inputs, values).values(), values, host)
        if self.fingerprint_of is None:
            return stamps or None
        own = _fingerprint(self, self.fingerprint_of, values, host)
        return [own, *stamps] if stamps else own

    def needs(self, values: Mapping[str, object], state: object) -> Sequence[str]:  # noqa: ARG002
        """Nothing ahead of time: an async function awaits what it wants."""
        return ()

    def new_state(self) -> object:
        """A plain function keeps nothing."""
        return None

    def call(self, inputs: Mapping[str, object], host: Host, state: object) -> Result | Awaitable[Result]:  # noqa: ARG002
        """Call the function with the values by name and the services by type."""
        if self.spec.is_async:
            lazy = [each for each in declared(self.spec.inputs, inputs).values() if each.lazy]
            inputs = {
                **inputs,
                **{each.name: _lazy(inputs[each.name]) for each in lazy if each.name in inputs},
            }
        positional, keywords = arguments(self.parameters, inputs, host)
        made = self.function(*positional, **keywords)
        return self._awaited(made) if self.spec.is_async else self._result(made)

    async def _awaited(self, made: Awaitable[object]) -> Result:
        return self._result(await made)

    def _result(self, made: object) -> Result:
        count = len(self.spec.outputs)
        if count < 2:
            return Result((made,) if count else ())
        if isinstance(made, tuple) and len(made) == count:
            return Result(tuple(made))
        given = f"{len(made)}" if isinstance(made, tuple) else f"one of type {type(made).__name__}"
        raise WorkflowError(
            f"The node {self.spec.type} should return {count} values, but returned {given}.",
            "This is a mistake in the node's code; tell its author.",
        )


def node(type: str | None = None, **options: Unpack[Options]) -> Callable[[F], F]:
    """Make a node type of a function: `@node("ImageInvert", category="image")`.

    Without a type name, a pack's node is called `pack.function_name`. Raises NodeDefinitionError, naming the
    parameter and the remedy, if the signature does not define a node.
    """
    if callable(type):
        raise NodeDefinitionError(f"{type.__name__}: write '@node()' with parentheses.")
    for name in options:
        if name not in Options.__annotations__:
            hint = did_you_mean(name, Options.__annotations__)
            raise NodeDefinitionError(f"@node has no option '{name}'. {hint}".strip())

    def mark(function: F) -> F:
        setattr(function, MARK, _described(function, type, options))
        return function

    return mark


def marked(module: ModuleType) -> Iterator[FunctionNode]:
    """The nodes a module defines itself, in the order they stand in it; what it imports is not its own."""
    for thing in vars(module).values():
        found = vars(thing).get(MARK) if inspect.isfunction(thing) else None
        if (
            isinstance(found, FunctionNode)
            and found.function is thing
            and thing.__module__ == module.__name__
        ):
            yield found


def implementation_of(function: Callable[..., Any]) -> FunctionNode:
    """What `@node` attached to a function. Raises LookupError if it is no node."""
    found = getattr(function, MARK, None)
    if not isinstance(found, FunctionNode):
        raise LookupError(f"{function!r} is not marked with @node.")
    return found


def spec_of(function: Callable[..., Any]) -> NodeSpec:
    """The description of a function marked with `@node`. Raises LookupError if it is no node."""
    return implementation_of(function).spec


def _described(function: Callable[..., Any], type_name: str | None, options: Options) -> FunctionNode:
    label, pack = function.__name__, pack_of(function.__module__)
    docs = parse(function.__doc__)
    parameters = read_parameters(function, label, docs)
    outputs = read_outputs(
        function, label, docs, tuple(options.get("outputs", ())), tuple(options.get("output_titles", ()))
    )
    is_async = inspect.iscoroutinefunction(function)
    _check_lazy(parameters, label, is_async)
    named = type_name or (f"{pack}.{label}" if pack else label)
    upgrades = dict(options.get("upgrades", {}))
    version = options.get("version", 1)
    _check_versions(upgrades, version, label)
    spec = NodeSpec(
        named,
        tuple(each for parameter in parameters for each in parameter.inputs),
        outputs,
        options.get("title") or _title(label, named),
        options.get("category", ""),
        docs.summary,
        pack,
        version,
        options.get("terminal", not outputs),
        options.get("cache", True),
        is_async,
        upgrades_from=tuple(sorted(upgrades)),
        deprecated=options.get("deprecated", False),
        experimental=options.get("experimental", False),
        aliases=tuple(options.get("aliases", ())),
        grad=options.get("grad", False),
    )
    fingerprint = options.get("fingerprint")
    if fingerprint is not None:
        _check_fingerprint(fingerprint, parameters, label)
    return FunctionNode(spec, function, parameters, upgrades, fingerprint)


def _title(label: str, type_name: str) -> str:
    """The function's name as words; the type's own capitals where it is the same name (`KSampler`)."""
    if type_name != label and type_name.lower() == label.replace("_", "").lower():
        return type_name
    words = label.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _check_lazy(parameters: Sequence[Parameter], label: str, is_async: bool) -> None:
    for parameter in parameters:
        if any(each.lazy for each in parameter.inputs) and not is_async:
            raise NodeDefinitionError(
                f"{label}: parameter '{parameter.name}' is lazy. Write 'async def {label}' and await it."
            )


def _check_versions(upgrades: Mapping[int, Upgrade], version: int, label: str) -> None:
    for old in upgrades:
        if not 1 <= old < version:
            raise NodeDefinitionError(
                f"{label}: upgrades has {old}, but the version is {version}. Name versions that came before."
            )


def _check_fingerprint(fingerprint: Callable[..., Json], parameters: Sequence[Parameter], label: str) -> None:
    known = {parameter.name for parameter in parameters}
    for name, parameter in inspect.signature(fingerprint).parameters.items():
        if name not in known and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            hint = did_you_mean(name, known) or "It is called with the node's own arguments."
            raise NodeDefinitionError(
                f"{label}: its fingerprint asks for '{name}', which is no parameter. {hint}"
            )


def _fingerprint(
    node: FunctionNode, fingerprint: Callable[..., Json], values: Mapping[str, object], host: Host
) -> Json:
    """Call the author's fingerprint with those of the node's arguments that it names."""
    asked = inspect.signature(fingerprint).parameters
    everything = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in asked.values())
    wanted = [each for each in node.parameters if everything or each.name in asked]
    named: dict[str, object] = {}
    for parameter in wanted:
        needed = parameter.default is ABSENT
        unknown = {each.name: None for each in parameter.inputs if needed and each.default is None}
        positional, keywords = arguments((parameter,), unknown | dict(values), host)
        row = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        named |= keywords if keywords else {parameter.name: tuple(positional) if row else positional[0]}
    return fingerprint(**named)


def _lazy(value: object) -> Lazy[object]:
    return value if isinstance(value, Lazy) else Lazy.of(value)


def _stamps(inputs: Any, values: Mapping[str, object], host: Host) -> list[Json]:
    """What tells each picked file from a changed one; nothing if the program has no folders."""
    try:
        files: Files = host.service(Files)  # type: ignore[type-abstract]
    except LookupError:
        return []
    return [
        files.stamp(folder, name)
        for each in inputs
        if (folder := folder_of(each)) is not None
        for name in _names(values.get(each.name, each.default))
    ]


def _names(value: object) -> list[str]:
    names = value if isinstance(value, list | tuple) else (value,)
    return [name for name in names if isinstance(name, str)]
