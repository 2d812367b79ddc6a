"""Texts: joined, cut, compared, searched and replaced. Patterns are Python's regular expressions."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from graph.define import node
from graph.errors import WorkflowError
from graph.widgets import OneOf, Range, Shown, Text

Long = Annotated[str, Text(multiline=True)]

CASES: Mapping[str, Callable[[str], str]] = {
    "UPPERCASE": str.upper,
    "lowercase": str.lower,
    "Capitalize": str.capitalize,
    "Title Case": str.title,
}
TRIMS: Mapping[str, Callable[[str], str]] = {"Both": str.strip, "Left": str.lstrip, "Right": str.rstrip}
COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "Starts With": str.startswith,
    "Ends With": str.endswith,
    "Equal": str.__eq__,
}


@node("StringConcatenate", category="utils/string", title="Concatenate")
def concatenate(string_a: Long = "", string_b: Long = "", delimiter: str = "") -> str:
    """Join two texts, with a delimiter between them."""
    return delimiter.join((string_a, string_b))


@node("StringSubstring", category="utils/string", title="Substring")
def substring(string: Long = "", start: int = 0, end: int = 0) -> str:
    """Cut a piece out of a text.

    Args:
        start: The first character of the piece, counted from 0; below 0 from the end.
        end: The first character after the piece.
    """
    return string[start:end]


@node("StringLength", category="utils/string", title="Length", outputs=("length",))
def length(string: Long = "") -> int:
    """Count the characters of a text."""
    return len(string)


@node("CaseConverter", category="utils/string", title="Case Converter")
def convert_case(string: Long = "", mode: Annotated[str, OneOf(CASES)] = "UPPERCASE") -> str:
    """Write a text in capitals, in small letters, or with capitals at the beginning."""
    return CASES[mode](string)


@node("StringTrim", category="utils/string", title="Trim")
def trim(string: Long = "", mode: Annotated[str, OneOf(TRIMS)] = "Both") -> str:
    """Take spaces and line breaks off the ends of a text."""
    return TRIMS[mode](string)


@node("StringReplace", category="utils/string", title="Replace")
def replace(string: Long = "", find: Long = "", replace: Long = "") -> str:
    """Replace a text wherever it occurs in another."""
    return string.replace(find, replace)


@node("StringContains", category="utils/string", title="Contains", outputs=("contains",))
def contains(string: Long = "", substring: Long = "", case_sensitive: bool = True) -> bool:
    """Tell whether a text occurs in another."""
    return substring in string if case_sensitive else substring.lower() in string.lower()


@node("StringCompare", category="utils/string", title="Compare")
def compare(
    string_a: Long = "",
    string_b: Long = "",
    mode: Annotated[str, OneOf(COMPARISONS)] = "Starts With",
    case_sensitive: bool = True,
) -> bool:
    """Tell whether the first text begins with, ends with or equals the second."""
    first, second = (string_a, string_b) if case_sensitive else (string_a.lower(), string_b.lower())
    return COMPARISONS[mode](first, second)


@node("RegexMatch", category="utils/string", title="Regex Match", outputs=("matches",))
def matches(
    string: Long = "",
    regex_pattern: Long = "",
    case_insensitive: bool = True,
    multiline: bool = False,
    dotall: bool = False,
) -> bool:
    """Tell whether a pattern is found anywhere in a text.

    Args:
        multiline: ^ and $ stand for the ends of each line.
        dotall: A dot stands for a line break, too.
    """
    return _pattern(regex_pattern, case_insensitive, multiline, dotall).search(string) is not None


@node("RegexExtract", category="utils/string", title="Regex Extract")
def extract(
    string: Long = "",
    regex_pattern: Long = "",
    mode: Literal["First Match", "All Matches", "First Group", "All Groups"] = "First Match",
    case_insensitive: bool = True,
    multiline: bool = False,
    dotall: bool = False,
    group_index: Annotated[int, Range(0, 100)] = 1,
) -> str:
    """Give what a pattern finds in a text, all of it one a line; nothing if it is not found.

    Args:
        mode: What is found, or one group of it. All matches of a pattern with groups are its first group.
        multiline: ^ and $ stand for the ends of each line.
        dotall: A dot stands for a line break, too.
        group_index: Which group; 0 is the whole match.
    """
    pattern = _pattern(regex_pattern, case_insensitive, multiline, dotall)
    whole = min(1, pattern.groups) if mode == "All Matches" else 0
    group = group_index if mode.endswith(("Group", "Groups")) else whole
    if group > pattern.groups:
        return ""
    found = [match[group] or "" for match in pattern.finditer(string)]
    return "\n".join(found if mode.startswith("All") else found[:1])


@node("RegexReplace", category="utils/string", title="Regex Replace")
def replace_pattern(
    string: Long = "",
    regex_pattern: Long = "",
    replace: Long = "",
    case_insensitive: Annotated[bool, Shown(optional=True)] = True,
    multiline: Annotated[bool, Shown(optional=True)] = False,
    dotall: Annotated[bool, Shown(optional=True)] = False,
    count: Annotated[int, Range(0, 100), Shown(optional=True)] = 0,
) -> str:
    r"""Replace what a pattern finds in a text.

    Args:
        replace: What stands there instead; \1 is the first group.
        multiline: ^ and $ stand for the ends of each line.
        dotall: A dot stands for a line break, too.
        count: How many are replaced at most; 0 is all.
    """
    pattern = _pattern(regex_pattern, case_insensitive, multiline, dotall)
    try:
        return pattern.sub(replace, string, count)
    except (re.error, IndexError) as error:
        hint = r"Write \1 for the first group, and \\ for a backslash."
        raise WorkflowError(f"The replacement cannot be used: {error}.", hint, input="replace") from error


def _pattern(text: str, case_insensitive: bool, multiline: bool, dotall: bool) -> re.Pattern[str]:
    flags = case_insensitive * re.IGNORECASE | multiline * re.MULTILINE | dotall * re.DOTALL
    try:
        return re.compile(text, flags)
    except re.error as error:
        hint = "Put a backslash before a character that means itself, such as \\( or \\*."
        raise WorkflowError(f"The pattern has a mistake: {error}.", hint, input="regex_pattern") from error
