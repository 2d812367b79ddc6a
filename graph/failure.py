"""What a person reads about a node that raised."""

import errno

from graph.errors import NodeFailed, Problem

LONGEST_MESSAGE = 2000
LONGEST_WORDS = 500
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
NO_MEMORY = (
    "can't allocate memory",
    "cannot allocate memory",
    "out of memory",
    "bad_alloc",
    "bad allocation",
)
"""What the libraries that compute say, in lower case; few of them raise MemoryError."""
ENDINGS = (SystemExit, KeyboardInterrupt)


def problem_of(failed: NodeFailed) -> Problem:
    """The problem, on the node that failed. An error with `message` and `hint` says them itself."""
    cause, node = failed.cause, failed.node
    message, hint, name = (getattr(cause, each, None) for each in ("message", "hint", "input"))
    if isinstance(message, str):
        code = "out_of_memory" if type(cause).__name__ == "OutOfMemory" else "node_failed"
        where = name if isinstance(name, str) else None
        return Problem(code, sayable(message)[:LONGEST_MESSAGE], sayable(str(hint or "")), node, where)
    if lacks_memory(cause):
        hint = "Make the pictures smaller, lower the batch size, or choose float16 and close other programs."
        return Problem("out_of_memory", "There was not enough memory for this node.", hint, node)
    if isinstance(cause, OSError) and cause.errno in FULL_DISK:
        hint = "Free some space and try again."
        return Problem("disk_full", "The disk is full, so nothing could be saved.", hint, node)
    if isinstance(cause, OSError) and cause.errno in FORBIDDEN:
        message = f"{cause.filename or 'A file'} may not be used: {str(cause.strerror).lower()}."
        return Problem("forbidden", sayable(message), "Look at the permissions of that folder.", node)
    if isinstance(cause, ENDINGS):
        hint = "Ask the author of the node, or leave it out."
        return Problem("node_failed", "The node tried to end the program.", hint, node)
    return Problem(
        "node_failed", told(cause), "Check the node's inputs; the server's log has the details.", node
    )


def is_foreseen(cause: BaseException) -> bool:
    """Whether `problem_of` says all there is to say; of other errors the log should have more."""
    disk = isinstance(cause, OSError) and cause.errno in (*FULL_DISK, *FORBIDDEN)
    return disk or isinstance(getattr(cause, "message", None), str) or lacks_memory(cause)


def lacks_memory(cause: BaseException) -> bool:
    """Whether an error says that there was not enough memory, of the computer or of the device."""
    if isinstance(cause, MemoryError) or type(cause).__name__ == "OutOfMemoryError":
        return True
    text = _words(cause).lower()
    return isinstance(cause, (RuntimeError, OSError)) and any(words in text for words in NO_MEMORY)


def told(cause: BaseException) -> str:
    """The type of an error and the beginning of its text."""
    text = sayable(_words(cause))[:LONGEST_WORDS]
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__


def sayable(text: str) -> str:
    """The text with `?` for what cannot be sent on: halves of characters, as in names of broken files."""
    return text.encode("utf-8", "replace").decode()


def _words(cause: BaseException) -> str:
    try:
        return str(cause).strip()
    except Exception:  # noqa: BLE001 - a pack's own exception may be as broken as the rest of it
        return ""
