"""What can go wrong between a file of weights and a picture.

DiffusionError(message, hint)
    MissingFile            no file of that name in the folder; the nearest names are offered
    BrokenFile             truncated, not safetensors, pickled, or its header does not fit its content
    UnknownCheckpoint      no family recognises the file; lists the families tried, and why not
    MissingPart            the file is fine but has no text encoder, VAE or diffusion model inside
    FamilyMismatch         parts of two model families were joined
    OutOfMemory            what was needed, what was free, and what to lower
"""


class DiffusionError(Exception):
    """A fault a person can act on: `message` says what is wrong and where, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}" if hint else message)
        self.message, self.hint = message, hint


class MissingFile(DiffusionError):
    """No file of that name in the folder."""


class BrokenFile(DiffusionError):
    """The file cannot be what it claims to be."""


class UnknownCheckpoint(DiffusionError):
    """No model family recognises the file."""


class MissingPart(DiffusionError):
    """The file lacks a part that was asked for."""


class FamilyMismatch(DiffusionError):
    """Parts of two model families were joined."""


class OutOfMemory(DiffusionError):
    """The device has too little memory for the task."""
