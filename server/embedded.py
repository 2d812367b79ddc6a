"""Find the workflow that a picture carries: in PNG text chunks, or in the EXIF of WebP and JPEG.

Only the head of the file is read; no pixel is decoded.
"""

import io
from collections.abc import Iterator, Mapping

from PIL import ExifTags, Image, UnidentifiedImageError

from graph.errors import UnreadableWorkflow

KEYS = ("workflow", "prompt")
"""In order of preference: a whole workflow, else the flat form that was queued."""


def workflow_in(data: bytes) -> str | None:
    """The JSON text of the workflow inside a picture; None if this is no picture.

    Raises UnreadableWorkflow if it is a picture without a workflow, or a damaged one.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "WEBP", "JPEG")) as picture:
            texts = dict(_texts(picture))
    except UnidentifiedImageError:
        return None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableWorkflow(
            "This picture is damaged, so the workflow inside it cannot be read.",
            "Open another copy of the file.",
        ) from error
    for key in KEYS:
        if key in texts:
            return texts[key]
    raise UnreadableWorkflow(
        "This picture has no workflow inside it.",
        "Programs that share pictures often strip it. Ask for the original file or the workflow itself.",
    )


def _texts(picture: Image.Image) -> Iterator[tuple[str, str]]:
    yield from (
        (key, text) for key, text in picture.info.items() if isinstance(key, str) and isinstance(text, str)
    )
    yield from _exif_texts(picture.getexif())


def _exif_texts(exif: Mapping[int, object]) -> Iterator[tuple[str, str]]:
    """The field's writers put `key:json` into the tags from Model downwards."""
    for tag in range(ExifTags.Base.Model, ExifTags.Base.Model - 8, -1):
        key, colon, text = str(exif.get(tag, "")).partition(":")
        if colon:
            yield key.lower(), text.rstrip("\0")
