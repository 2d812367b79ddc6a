"""Videos into files: frames coded one by one, or what a file holds already taken over as it is."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from diffusion.errors import DiffusionError
from diffusion.images import Pixels, to_pixels
from diffusion.values import Audio, Footage, Video
from diffusion.video import Opened, Report, facts, footage, opened

if TYPE_CHECKING:
    from av import AudioFrame, VideoFrame
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

FINEST_RATE = 1001
"""The largest denominator of a frame rate; that of 30000 / 1001, the rate of American television."""
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
PLAYED: Mapping[str, frozenset[str]] = {
    "webm": frozenset(("vp8", "vp9", "av1", "libdav1d", "opus", "vorbis")),
    "mp4": frozenset(("h264", "hevc", "vp9", "av1", "libdav1d", "aac", "mp3", "mp3float", "opus", "flac")),
}
"""What players read in each container, by the names of the decoders."""


class UnwritableVideo(DiffusionError):
    """No video can be made of these frames."""


@dataclass(frozen=True, slots=True)
class Coding:
    """How frames are coded: by which encoder, as which pixels, for which container. `even`: sides must be."""

    encoder: str
    pixels: str
    container: str
    options: Mapping[str, str]
    even: bool = False


H264 = Coding("libx264", "yuv420p", "mp4", {"crf": "19"}, even=True)


@dataclass(frozen=True, slots=True)
class Coded:
    """A video that is coded already, and the container it goes into. Sizes are in pixels.

    note: what a person should know of it, if anything.
    """

    source: bytes | Path
    container: str
    width: int
    height: int
    note: str = ""


def webm(codec: str, crf: float) -> Coding:
    """VP9 or AV1 (`vp9`, `av1`) of constant quality; crf is 0 to 63, and less is better."""
    quality = {"crf": str(round(crf))}
    if codec == "av1":
        return Coding("libsvtav1", "yuv420p10le", "webm", {**quality, "preset": "6"})
    return Coding("libvpx-vp9", "yuv420p", "webm", {**quality, "b": "0", "row-mt": "1"})


def rate_of(fps: float) -> Fraction:
    """Frames in a second as the fraction that is meant."""
    return Fraction(fps).limit_denominator(FINEST_RATE)


def coded(video: Video, container: str, codec: str, report: Report) -> Coded:
    """A video as `container` (auto, mp4) and `codec` (auto, h264) want it. Raises UnreadableVideo.

    What a file holds is taken over as it is where players read it, under auto in the file's own container;
    all else is coded as H.264.
    """
    if isinstance(video.source, Path):
        with opened(video.source) as file:
            kept = _kept(file, container, codec)
        if kept is not None:
            width, height, *_ = facts(video)
            return Coded(video.source, kept, width, height)
    return encoded(footage(video, report), H264, report)


def encoded(footage: Footage, coding: Coding, report: Report) -> Coded:
    """Footage as a coded video. Sound ends with the pictures; an odd side gets one more pixel if it must.

    Raises UnwritableVideo if frames of that size cannot be coded so.
    """
    import av

    data, total = io.BytesIO(), len(footage.images)
    height, width = _pixels(footage.images[:1], coding).shape[:2]
    with _sentences(coding, (width, height), footage.rate), av.open(data, "w", coding.container) as container:
        stream = container.add_stream(coding.encoder, footage.rate, dict(coding.options))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, coding.pixels
        _describe_colours(stream)
        heard = None if footage.audio is None else _sound_stream(container, footage.audio)
        for index in range(total):
            frame = _frame(_pixels(footage.images[index : index + 1], coding), coding)
            frame.pts, frame.time_base = index, 1 / footage.rate
            container.mux(stream.encode(frame))
            report(index + 1, total)
        container.mux(stream.encode())
        if heard is not None and footage.audio is not None:
            for sound in _sound(footage.audio, heard, total / footage.rate):
                container.mux(heard.encode(sound))
            container.mux(heard.encode())
    return Coded(data.getvalue(), coding.container, width, height, _note(footage.images, width, height))


def write_video(coded: Coded, path: Path, texts: Mapping[str, str]) -> None:
    """Put a coded video into its container, with texts inside for programs to find.

    Its other notes, such as where a telephone was, are left out.
    """
    import av

    options = {"movflags": "use_metadata_tags+faststart"} if coded.container == "mp4" else {}
    with _reopened(coded.source) as video, av.open(str(path), "w", coded.container, options) as output:
        output.metadata.update(texts)
        source = video.container
        assert isinstance(source, av.container.InputContainer)
        pictures = output.add_stream_from_template(video, opaque=True)
        if video.average_rate is not None:
            pictures.codec_context.framerate = video.average_rate
        if coded.container == "mp4" and video.codec_context.codec.name == "hevc":
            pictures.codec_context.codec_tag = "hvc1"  # what Apple's players ask for
        copies: dict[int, Stream] = {video.index: pictures}
        copies |= {each.index: output.add_stream_from_template(each) for each in source.streams.audio}
        for packet in source.demux(*source.streams.get(*copies)):
            if packet.size:  # the last of a stream is empty
                packet.stream = copies[packet.stream_index]
                output.mux(packet)


@contextmanager
def _reopened(source: bytes | Path) -> "Iterator[VideoStream]":
    """The pictures of what is coded, in their open container."""
    import av

    if isinstance(source, Path):
        with opened(source) as file:
            yield file.video
    else:
        with av.open(io.BytesIO(source), "r") as container:
            yield container.streams.video[0]


def _kept(file: Opened, container: str, codec: str) -> str | None:
    """The container that can take over what a file holds; None if it has to be coded anew."""
    own = "webm" if file.container.format.name.startswith("matroska") else "mp4"
    wanted = ("mp4",) if container == "mp4" else (own, "mp4")
    streams = (file.video, *file.container.streams.audio)
    names = {stream.codec_context.codec.name if stream.codec_context else "" for stream in streams}
    if codec == "h264" and "h264" not in names:
        return None
    return next((each for each in wanted if names <= PLAYED[each]), None)


@contextmanager
def _sentences(coding: Coding, size: tuple[int, int], rate: Fraction) -> Iterator[None]:
    import av

    try:
        yield
    except MemoryError:
        raise
    except av.FFmpegError as error:
        raise UnwritableVideo(
            f"Frames of {size[0]} x {size[1]} pixels, {float(rate):g} a second, cannot be coded with "
            f"{coding.encoder}.",
            hint="Scale them to sides of 16 to 8192 pixels first.",
        ) from error


def _note(images: torch.Tensor, width: int, height: int) -> str:
    size = (images.shape[2], images.shape[1])
    if size == (width, height):
        return ""
    was = f"{size[0]} x {size[1]}"
    return f"Saved as {width} x {height}: H.264 has no odd sizes, so the edge of {was} pixels is doubled."


def _pixels(images: torch.Tensor, coding: Coding) -> Pixels:
    """The first picture of a batch [height, width, 3], its last row or column twice if sides must be even."""
    pixels = to_pixels(images)[0, :, :, :3]
    if coding.even:
        pixels = np.pad(pixels, [(0, side % 2) for side in pixels.shape[:2]] + [(0, 0)], "edge")
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def _frame(pixels: Pixels, coding: Coding) -> "VideoFrame":
    """A picture in the colours that `_describe_colours` says."""
    from av import VideoFrame
    from av.video.reformatter import ColorRange, Colorspace

    plain = VideoFrame.from_ndarray(pixels, "rgb24")
    return plain.reformat(
        format=coding.pixels, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )


def _describe_colours(stream: "VideoStream") -> None:
    """Say that the colours are those of ITU-R BT.709, in its narrow range."""
    from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

    context = stream.codec_context
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709


def _sound_stream(container: "OutputContainer", audio: Audio) -> "AudioStream":
    from av import AudioStream

    rate = min(AAC_RATES, key=lambda rate: abs(rate - audio.sample_rate))
    stream = container.add_stream("aac", rate, layout=_layout(audio))
    assert isinstance(stream, AudioStream)
    return stream


def _layout(audio: Audio) -> str:
    return LAYOUTS.get(audio.waveform.shape[1], "mono")


def _sound(audio: Audio, stream: "AudioStream", seconds: Fraction) -> "Iterator[AudioFrame]":
    """The first sound of a batch, so long, as its stream wants it; of channels without a layout, the mean."""
    from av import AudioFrame, AudioResampler

    waveform = audio.waveform[0, :, : ceil(seconds * audio.sample_rate)].float().cpu()
    if waveform.shape[0] not in LAYOUTS:
        waveform = waveform.mean(0, keepdim=True)
    values = waveform.nan_to_num(0).clamp(-1, 1).contiguous().numpy()
    frame = AudioFrame.from_ndarray(values, "fltp", _layout(audio))
    frame.sample_rate, frame.pts = audio.sample_rate, 0
    resampler = AudioResampler("fltp", stream.layout, stream.rate)
    for each in (frame, None):
        yield from resampler.resample(each)
