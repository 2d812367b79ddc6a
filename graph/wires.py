"""Which wire type may feed which."""

ANY = "*"


def parts(wire_type: str) -> frozenset[str]:
    """The alternatives of a wire type: `A,B` is a union."""
    return frozenset(part.strip() for part in wire_type.split(","))


def fits(given: str, wanted: str) -> bool:
    """Whether an output of type `given` may feed an input of type `wanted`.

    Alike, either is `*`, or two unions overlap. A whole number may stand where a FLOAT is wanted, and a text
    where a choice is, because a choice is a text of which the list is checked when it is known.
    """
    if given == wanted:
        return True
    have, want = parts(given), parts(wanted)
    if ANY in have or ANY in want or have & want:
        return True
    return ("INT" in have and "FLOAT" in want) or ("STRING" in have and "COMBO" in want)


def narrowed(first: str, second: str) -> str | None:
    """The type two wires agree on, or None: what inputs that share a template come to."""
    have, want = parts(first), parts(second)
    if ANY in have:
        return second
    if ANY in want:
        return first
    if both := have & want:
        return ",".join(sorted(both))
    if have | want <= {"INT", "FLOAT"}:
        return "FLOAT"
    return None
