"""Videos: what a file holds, told from its head; its frames and its sound, decoded when they are asked for.

Which demuxer opens a file is decided by its first bytes, never by its name, and only decoders on a list run.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F

from diffusion.errors import DiffusionError
from diffusion.images import PIXELS, Pixels
from diffusion.memory import Memory
from diffusion.values import Audio, Footage, Image, Video

if TYPE_CHECKING:
    from av import AudioFrame, VideoFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

PICTURE_DECODERS = frozenset(("h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "prores"))
SOUND_DECODERS = frozenset(
    ("aac", "mp3", "mp3float", "opus", "vorbis", "flac", "alac", "ac3", "eac3", "pcm_s16le", "pcm_s16be",
     "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_f32le")
)  # fmt: skip
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
MATROSKA = b"\x1aE\xdf\xa3"
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8")
PICTURE_MARKS = (b"WEBP", b"avif", b"avis", b"heic", b"heix", b"mif1")
BYTES_PER_VALUE = 1 + 4
"""Decoded frames are held as bytes until all are there, and then as float32 too."""
BYTES_PER_SAMPLE = 2 * 4
USED_OF_FREE = 0.8
"""The part of the free memory that a video may take."""

Report: TypeAlias = Callable[[int, int], None]
"""Is told after each frame how many of how many are done; what it raises ends the work."""


class UnreadableVideo(DiffusionError):
    """The file is not a video, or not one that is safe to open."""


class Facts(NamedTuple):
    """What a video says of itself: size in pixels as it is shown, frames in a second, number of frames.

    A file without a table of its frames tells only how long it lasts, and the number follows from that.
    """

    width: int
    height: int
    rate: Fraction
    frames: int

    @property
    def duration(self) -> Fraction:
        """In seconds."""
        return self.frames / self.rate


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file: its name, its pictures, and its sound if it has any."""

    name: str
    container: "InputContainer"
    video: "VideoStream"
    audio: "AudioStream | None"

    @property
    def count(self) -> int:
        """How many frames the file says it has, in its table or by its length; 0 if it does not say."""
        seconds = Fraction(self.container.duration or 0, 1_000_000)
        return self.video.frames or round(seconds * self.rate)

    @property
    def rate(self) -> Fraction:
        """Frames in a second."""
        return self.video.average_rate or self.video.guessed_rate or Fraction(24)


def loaded(path: Path) -> Video:
    """A video that stays in its file. Raises UnreadableVideo if it could not be read from there."""
    facts(Video(path))
    return Video(path)


def facts(video: Video) -> Facts:
    """What a video says of itself; of a file, only the first frame is decoded. Raises UnreadableVideo."""
    if isinstance(video.source, Footage):
        count, height, width = video.source.images.shape[:3]
        return Facts(width, height, video.source.rate, count)
    with opened(video.source) as file:
        first = next(file.container.decode(file.video), None)
        if first is None:
            raise UnreadableVideo(f"'{video.source.name}' has no frames.", hint="Choose another file.")
        size = (file.video.width, file.video.height)
        width, height = size[::-1] if _quarters(first) % 2 else size
        return Facts(width, height, file.rate, max(1, file.count))


def footage(video: Video, report: Report, room_bytes: float | None = None) -> Footage:
    """All frames of a video, upright, and its sound. Raises UnreadableVideo.

    room_bytes: how much memory they may take; None asks how much is free.
    """
    if isinstance(video.source, Footage):
        return video.source
    room = Memory().free_bytes() * USED_OF_FREE if room_bytes is None else room_bytes
    with opened(video.source) as file:
        frames, sound = _decoded(file, report, room)
        if not frames:
            raise UnreadableVideo(f"'{file.name}' has no frames.", hint="Choose another file.")
        images = torch.empty(len(frames), *frames[0].shape)
        for image, frame in zip(images, frames, strict=True):  # in place: made one line above
            image.copy_(torch.from_numpy(frame)).div_(255)
        return Footage(Image(images), file.rate, sound)


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """A video file within the limits. Raises UnreadableVideo, also for what fails while it is open."""
    import av

    decoders = ",".join(sorted(PICTURE_DECODERS | SOUND_DECODERS))
    allowed = {"codec_whitelist": decoders, "protocol_whitelist": "none"}  # it may name no other file
    try:
        with path.open("rb") as raw:
            demuxer = _demuxer(raw.read(16), path.name)
            raw.seek(0)
            with av.open(
                raw, "r", demuxer, container_options=allowed, metadata_errors="replace"
            ) as container:
                yield _checked(container, path.name)
    except FileNotFoundError as error:
        raise UnreadableVideo(
            f"There is no video '{path.name}'.", hint="Choose another, or upload it."
        ) from error
    except (av.FFmpegError, ValueError) as error:
        if getattr(error, "errno", 0) in FULL_DISK:
            raise
        raise UnreadableVideo(
            f"'{path.name}' is damaged or cut short.", hint="Copy or export the file again."
        ) from error


def _demuxer(head: bytes, name: str) -> str:
    """What may open a file that begins like this."""
    if head.startswith(MATROSKA):
        return "matroska"
    if head.startswith(PICTURES) or head[8:12] in PICTURE_MARKS:
        raise UnreadableVideo(f"'{name}' is a picture, not a video.", hint="Use Load Image for it.")
    if head[4:8] == b"ftyp":
        return "mov"
    raise UnreadableVideo(
        f"'{name}' is not a video of a kind that can be opened.", hint="Use an MP4, MOV, WebM or MKV file."
    )


def _checked(container: "InputContainer", name: str) -> Opened:
    """The streams that count, within the limits. The picture on the cover of a song is none."""
    from av.stream import Disposition

    moving = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not moving:
        raise UnreadableVideo(f"'{name}' holds no moving pictures.", hint="Choose a file that has some.")
    stream, sounds = moving[0], container.streams.audio
    if stream.codec_context is None or stream.codec_context.codec.name not in PICTURE_DECODERS:
        raise UnreadableVideo(
            f"The pictures of '{name}' are coded in a way that is not opened here.",
            hint="Export it as H.264, HEVC, VP9 or AV1.",
        )
    if stream.width * stream.height > PIXELS:
        raise UnreadableVideo(
            f"'{name}' is {stream.width} x {stream.height} pixels, over the limit of 64 megapixels.",
            hint="Make it smaller in another program first.",
        )
    stream.thread_type = "AUTO"
    return Opened(name, container, stream, sounds[0] if sounds else None)


def _decoded(file: Opened, report: Report, room: float) -> "tuple[list[Pixels], Audio | None]":
    """The frames as bytes, and the sound. Raises UnreadableVideo before they fill the room."""
    from av import AudioFrame, VideoFrame

    frames: list[Pixels] = []
    sounds: list[AudioFrame] = []
    size = (file.video.width, file.video.height)
    taken, start = 0, 0.0
    if size[0] * size[1] * 3 * BYTES_PER_VALUE * file.count > room:
        raise _too_large(file, room)
    for frame in file.container.decode([file.video, *_heard(file)]):
        if isinstance(frame, VideoFrame):
            start = start if frames else frame.time or 0.0
            frames.append(_upright(frame, size))
            taken += frames[-1].nbytes * BYTES_PER_VALUE
            report(len(frames), max(len(frames), file.count))
        elif isinstance(frame, AudioFrame):
            sounds.append(frame)
            taken += frame.samples * frame.layout.nb_channels * BYTES_PER_SAMPLE
        if taken > room:
            raise _too_large(file, room)
    return frames, _sound(sounds, start, len(frames) / file.rate) if sounds else None


def _too_large(file: Opened, room: float) -> UnreadableVideo:
    size = f"{file.video.width} x {file.video.height} pixels, {file.count} frames"
    return UnreadableVideo(
        f"'{file.name}' ({size}) does not fit in memory: {room / 1e9:.1f} GB are there for it.",
        hint="Cut it, or make it smaller in another program first.",
    )


def _heard(file: Opened) -> "list[AudioStream]":
    if file.audio is None:
        return []
    if file.audio.codec_context is None or file.audio.codec_context.codec.name not in SOUND_DECODERS:
        raise UnreadableVideo(
            f"The sound of '{file.name}' is coded in a way that is not opened here.",
            hint="Export it with AAC, MP3 or Opus.",
        )
    return [file.audio]


def _quarters(frame: "VideoFrame") -> int:
    """By how many quarter turns, against the clock, a frame is turned to stand upright."""
    return round(frame.rotation / 90)


def _upright(frame: "VideoFrame", size: tuple[int, int]) -> Pixels:
    """A frame as red, green and blue [height, width, 3]; `size` is that of the stream."""
    pixels = frame.to_ndarray(format="rgb24", width=size[0], height=size[1])
    return np.ascontiguousarray(np.rot90(pixels, _quarters(frame)), dtype=np.uint8)


def _sound(frames: "list[AudioFrame]", start: float, seconds: Fraction) -> Audio:
    """Decoded sound, in step with pictures that begin at `start` and last so many seconds."""
    from av import AudioResampler

    resampler = AudioResampler(format="fltp", layout=frames[0].layout, rate=frames[0].rate)
    parts = [part.to_ndarray() for frame in (*frames, None) for part in resampler.resample(frame)]
    waveform = torch.from_numpy(np.concatenate(parts, axis=1))
    late = round(min((frames[0].time or 0.0) - start, float(seconds)) * frames[0].rate)
    waveform = F.pad(waveform, (late, 0)) if late > 0 else waveform[:, -late:]
    return Audio(waveform[None], frames[0].rate)
