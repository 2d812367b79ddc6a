"""Names the person may have meant, and values made short enough for a sentence."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_WORD = 100
MOST_OPTIONS = 5_000


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """`Did you mean 'euler'?`, or nothing if no option comes close. The time it takes is bounded."""
    known = list(options)
    if len(word) > LONGEST_WORD or len(known) > MOST_OPTIONS:
        return ""
    by_lower = {option.lower(): option for option in reversed(known) if len(option) <= LONGEST_WORD}
    close = get_close_matches(word.lower(), by_lower, n=1)
    return f"Did you mean '{by_lower[close[0]]}'?" if close else ""


def brief(value: object, limit: int = 60) -> str:
    """A value as a person reads it in a message, shortened."""
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= limit else f"'{value[:limit]}…'"
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"
