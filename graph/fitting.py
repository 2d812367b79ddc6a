"""A simple value that a link brought, as the input it reaches means it: `"8"` as 8, 2.0 as 2, 7 as a text."""

from graph.errors import WorkflowError
from graph.literals import fault
from graph.node import Input
from graph.suggest import did_you_mean

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def fitted(wanted: Input, value: object, name: str) -> object:
    """What a value plainly means for an input with a widget; what is not simple stays as it is.

    Limits are those of what a person types: a link may bring more. Choices and files are left to the node,
    which may know others than its list. Raises WorkflowError if the value means nothing there.
    """
    if wanted.takes_list and isinstance(value, list):
        return [fitted(wanted, each, name) for each in value]
    if wanted.widget is None or type(value) not in (bool, int, float, str):
        return value
    meant = _meant(wanted, value)
    if wanted.type in ("INT", "FLOAT", "BOOLEAN") and wanted.widget.kind != "choice":
        found = fault(wanted, meant, None, did_you_mean)
        if found and found.code != "value_out_of_range":
            raise WorkflowError(found.message, found.hint, input=name)
    return meant


def _meant(wanted: Input, value: object) -> object:
    match wanted.type:
        case "STRING" | "COMBO" if isinstance(value, bool):
            return str(value).lower()
        case "STRING":
            return str(value)
        case "BOOLEAN" if not isinstance(value, bool):
            word = str(value).strip().lower()
            return word in TRUE if word in (*TRUE, *FALSE) else value
        case "INT" | "FLOAT":
            return _number(value, is_whole=wanted.type == "INT")
        case "COMBO" if wanted.widget is not None and value not in wanted.widget.options:
            return str(value)
    return value


def _number(value: object, is_whole: bool) -> object:
    if isinstance(value, str):
        try:
            value = float(value) if set(value) & set(".eE") else int(value)
        except ValueError:
            return value
    if isinstance(value, bool) or (is_whole and isinstance(value, float) and value.is_integer()):
        return int(value)
    return value
