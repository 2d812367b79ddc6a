"""A function's parameters as the inputs of a node, and how a call is put together from what arrives."""

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from graph.declared import declared
from graph.docstring import Docs
from graph.errors import NodeDefinitionError, WorkflowError
from graph.fitting import fitted
from graph.inputs import ABSENT, of_metadata, read_input
from graph.node import Grows, Host, Input, Option, Widget
from graph.sockets import unwrap
from graph.widgets import Fields, Row, Variant


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a variant: the class the node receives, and its fields."""

    make: Callable[..., object]
    fields: "tuple[Parameter, ...]"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the function. Exactly one of `inputs` and `service` is filled."""

    name: str
    inputs: tuple[Input, ...] = ()
    default: object = ABSENT
    service: Any = None
    cases: Mapping[str, Case] = field(default_factory=dict)
    kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD


def hints(thing: Any, label: str) -> dict[str, Any]:
    """The annotations of a function or class. Raises NodeDefinitionError if one cannot be resolved."""
    try:
        return typing.get_type_hints(thing, include_extras=True)
    except NameError as error:
        raise NodeDefinitionError(
            f"{label}: an annotation names {error.name}, which is not there when the module is imported. "
            "Import it for real, not under TYPE_CHECKING."
        ) from error


def read_parameters(function: Callable[..., Any], label: str, docs: Docs) -> tuple[Parameter, ...]:
    """Describe each parameter. Raises NodeDefinitionError that names the parameter and the remedy."""
    known = hints(function, label)
    found = []
    for parameter in inspect.signature(function).parameters.values():
        where = f"{label}: parameter '{parameter.name}'"
        if parameter.name not in known:
            raise NodeDefinitionError(
                f"{where} has no type. Annotate it, for example '{parameter.name}: float'."
            )
        hint = known[parameter.name]
        found.append(_parameter(parameter, hint, where, docs.inputs.get(parameter.name, "")))
    names = [each.name for parameter in found for each in parameter.inputs]
    for name in names:
        if names.count(name) > 1:
            raise NodeDefinitionError(f"{label}: two inputs are called '{name}'. Rename one of them.")
    return tuple(found)


def _parameter(parameter: inspect.Parameter, hint: Any, where: str, tooltip: str) -> Parameter:
    name, default, kind = parameter.name, parameter.default, parameter.kind
    if kind is inspect.Parameter.KEYWORD_ONLY:
        return Parameter(name, default=default, service=_service(hint, where), kind=kind)
    metadata = unwrap(hint).metadata
    if kind is inspect.Parameter.VAR_KEYWORD:
        return Parameter(name, tuple(_fields(hint, where, tooltip)), kind=kind)
    if kind is inspect.Parameter.VAR_POSITIONAL:
        return Parameter(name, (_row(name, hint, where, tooltip),), kind=kind)
    if variant := of_metadata(Variant, metadata):
        return _variant(name, variant, default, where, tooltip)
    return Parameter(name, (read_input(name, hint, default, where, tooltip),), default, kind=kind)


def _service(hint: Any, where: str) -> Any:
    shape = unwrap(hint)
    socket = isinstance(getattr(shape.core, "socket", None), str)
    if (
        socket
        or shape.metadata
        or shape.core in (int, float, str, bool, Any)
        or isinstance(shape.core, TypeVar)
    ):
        raise NodeDefinitionError(
            f"{where} stands after the '*', where only services of the program do. Move it before the '*'."
        )
    return shape.core


def _row(name: str, hint: Any, where: str, tooltip: str) -> Input:
    row = of_metadata(Row, unwrap(hint).metadata) or Row()
    prefix = row.prefix or (name[:-1] if name.endswith("s") and len(name) > 1 else name)
    made = read_input(name, hint, ABSENT, where, tooltip)
    if made.takes_list:
        raise NodeDefinitionError(f"{where} is a row of lists. Write '*{name}: Image' without the list.")
    grows = Grows("" if row.names else prefix, row.least, len(row.names) or row.most, row.names)
    return replace(made, widget=None, grows=grows, optional=row.least == 0)


def _fields(hint: Any, where: str, tooltip: str) -> Iterator[Input]:
    fields = of_metadata(Fields, unwrap(hint).metadata)
    if fields is None:
        raise NodeDefinitionError(
            f"{where} stands for many inputs, but does not say which. Annotate it with Fields(names)."
        )
    default = ABSENT if fields.default is None else fields.default
    for name in fields.names:
        yield read_input(name, hint, default, where, tooltip)


def _variant(name: str, variant: Variant, default: object, where: str, tooltip: str) -> Parameter:
    cases = {}
    for key, make in variant.cases.items():
        fields = read_parameters(make, f"{where}, case '{key}'", Docs())
        cases[key] = Case(make, tuple(_from_instance(each, default, make) for each in fields))
    if not cases:
        raise NodeDefinitionError(f"{where} is a Variant without cases. Give it at least one.")
    options = tuple(
        Option(key, tuple(each for field in case.fields for each in field.inputs))
        for key, case in cases.items()
    )
    first = next((key for key, case in cases.items() if case.make is type(default)), next(iter(cases)))
    widget = Widget("choice", options=tuple(cases))
    return Parameter(
        name, (Input(name, "COMBO", widget, first, options=options, tooltip=tooltip),), cases=cases
    )


def _from_instance(field: Parameter, default: object, make: type) -> Parameter:
    """A case's field, with the value it has in the parameter's default, if that is of this case."""
    if type(default) is not make:
        return field
    value = getattr(default, field.name)
    plain = value if isinstance(value, bool | int | float | str) else None
    return replace(field, default=value, inputs=tuple(replace(each, default=plain) for each in field.inputs))


# Calling


def arguments(
    parameters: Sequence[Parameter], values: Mapping[str, object], host: Host | None
) -> tuple[list[object], dict[str, object]]:
    """The positional and keyword arguments of one call. Raises WorkflowError if a value is missing."""
    positional: list[object] = []
    keywords: dict[str, object] = {}
    for parameter in parameters:
        if parameter.service is not None:
            keywords[parameter.name] = _served(parameter, host)
        elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            positional.extend(_row_values(parameter, values))
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            keywords |= {each.name: _value(parameter, each, values, "") for each in parameter.inputs}
        else:
            positional.append(_value(parameter, parameter.inputs[0], values, ""))
    return positional, keywords


def _row_values(parameter: Parameter, values: Mapping[str, object]) -> list[object]:
    return [values[name] for name in declared(parameter.inputs, values) if name in values]


def _value(parameter: Parameter, wanted: Input, values: Mapping[str, object], prefix: str) -> object:
    name = prefix + wanted.name
    if parameter.cases:
        case = parameter.cases.get(str(values.get(name, wanted.default)))
        if case is None:
            return None
        return case.make(
            **{each.name: _value(each, each.inputs[0], values, f"{name}.") for each in case.fields}
        )
    if name in values:
        return fitted(wanted, values[name], name)
    if parameter.default is not ABSENT:
        return parameter.default
    if wanted.default is not None:
        return wanted.default
    if wanted.optional:
        return None
    raise WorkflowError(f"Input '{name}' has no value.", "Connect it or type one.", input=name)


def _served(parameter: Parameter, host: Host | None) -> object:
    try:
        if host is not None:
            return host.service(parameter.service)
    except LookupError:
        pass
    if parameter.default is ABSENT:
        shown = getattr(parameter.service, "__name__", parameter.service)
        raise WorkflowError(f"This program offers no {shown}, which the node needs as '{parameter.name}'.")
    return parameter.default
