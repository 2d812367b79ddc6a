"""Look into videos that nobody vouches for: their first frame, and the texts in them. Brings PyAV.

Only the limited process behind `server.pictures`, and programs on a person's own files, import this.
"""

from typing import BinaryIO

import av
from av.container import InputContainer
from av.stream import Disposition
from PIL import Image

DEMUXERS = {"video/mp4": "mov", "video/webm": "matroska"}
DECODERS = frozenset(("h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "prores"))
MOST_TEXT_BYTES = 16_000_000


class Unopened(Exception):
    """The file is no video this program opens; `message` and `hint` are sentences for the person."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def first_frame(file: BinaryIO, kind: str, most_pixels: int) -> Image.Image:
    """The first frame of a video of that media type, upright. Raises Unopened."""
    try:
        with _opened(file, kind) as container:
            covers = Disposition.attached_pic
            streams = [stream for stream in container.streams.video if not stream.disposition & covers]
            if not streams:
                raise Unopened("The file holds no moving pictures.")
            stream = streams[0]
            if stream.codec_context is None or stream.codec_context.codec.name not in DECODERS:
                raise Unopened("The video is coded in a way that is not opened here.", "Export it as H.264.")
            if stream.width * stream.height > most_pixels:
                raise Unopened(f"The video has more than {most_pixels // 1_000_000} million pixels a frame.")
            stream.codec_context.thread_count = 1  # each thread would take of the little memory there is
            for frame in container.decode(stream):
                return _upright(frame)
            raise Unopened("The video has no frames.")
    except (av.FFmpegError, ValueError) as error:
        raise Unopened("The file is damaged, or not a video of a kind this program opens.") from error


def texts_in(file: BinaryIO, kind: str) -> dict[str, str]:
    """The texts that a video carries, by their names in small letters. Raises Unopened."""
    try:
        with _opened(file, kind) as container:
            texts = {name.lower(): text for name, text in container.metadata.items()}
    except (av.FFmpegError, ValueError) as error:
        raise Unopened("This video is damaged, so the workflow inside it cannot be read.") from error
    if sum(map(len, texts.values())) > MOST_TEXT_BYTES:
        raise Unopened("The texts inside this video are too long to be read.")
    return texts


def _opened(file: BinaryIO, kind: str) -> InputContainer:
    allowed = {"codec_whitelist": ",".join(sorted(DECODERS)), "protocol_whitelist": "none"}
    return av.open(file, "r", DEMUXERS[kind], container_options=allowed, metadata_errors="replace")


def _upright(frame: av.VideoFrame) -> Image.Image:
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return picture.rotate(round(frame.rotation / 90) * 90, expand=True)
