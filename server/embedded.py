"""Find the workflow that a file carries: PNG's text chunks, the EXIF of WebP and JPEG, tags of MP4 and WebM.

No pixel is decoded.
"""

import io
from collections.abc import Iterator, Mapping

from PIL import ExifTags, Image, UnidentifiedImageError

from graph.errors import UnreadableWorkflow
from server.files import kind_of

KEYS = ("workflow", "prompt")
"""In order of preference: a whole workflow, else the flat form that was queued."""


def workflow_in(data: bytes) -> str | None:
    """The JSON text of the workflow inside a picture or video; None if this is neither.

    Raises UnreadableWorkflow if it is one without a workflow, or a damaged one.
    """
    if (kind := kind_of(data[:32])).startswith("video/"):
        return _chosen(_video_texts(data, kind), "video")
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
    return _chosen(texts, "picture")


def _chosen(texts: Mapping[str, str], what: str) -> str:
    for key in KEYS:
        if key in texts:
            return texts[key]
    raise UnreadableWorkflow(
        f"This {what} has no workflow inside it.",
        f"Programs that share {what}s often strip it. Ask for the original file or the workflow itself.",
    )


def _video_texts(data: bytes, kind: str) -> Mapping[str, str]:
    from server.videos import Unopened, texts_in

    try:
        return texts_in(io.BytesIO(data), kind)
    except Unopened as error:
        raise UnreadableWorkflow(error.message, error.hint or "Open another copy of the file.") from error


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
