"""Small videos for tests: a colour in each frame, and a tone if there is sound."""

import io
from fractions import Fraction

import av
import numpy as np
from av.stream import Disposition

ENCODERS = {
    "mp4": ("libx264", "aac"),
    "hevc": ("libx265", "aac"),
    "mov": ("libx264", "pcm_s16le"),
    "webm": ("libvpx-vp9", "libopus"),
    "matroska": ("libx264", "libopus"),
    "avi": ("mpeg4", "mp3"),
}
"""The encoders of pictures and sound by container; `hevc` is an MP4."""


def film(
    container: str = "mp4", size: tuple[int, int] = (32, 16), frames: int = 4, rate: Fraction | int = 10,
    sound: bool = False, quarters: int = 0, late: float = 0.0, texts: dict[str, str] | None = None,
) -> bytes:  # fmt: skip
    """A video file. `quarters`: to be turned that often. `late`: when the sound begins, in seconds."""
    data = io.BytesIO()
    picture, voice = ENCODERS[container]
    options = {"movflags": "use_metadata_tags"} if container == "mp4" else {}
    with av.open(data, "w", "mp4" if container == "hevc" else container, options) as file:
        file.metadata.update(texts or {})
        stream = file.add_stream(picture, rate, width=size[0], height=size[1], pix_fmt="yuv420p")
        if quarters:
            stream.set_display_rotation(90 * quarters)
        heard = file.add_stream(voice, 48000, layout="mono") if sound else None
        if heard is not None:
            frame = av.AudioFrame.from_ndarray(tone(frames / Fraction(rate)), "fltp", "mono")
            frame.sample_rate, frame.pts = 48000, round(late * 48000)
            resampler = av.AudioResampler(heard.format, "mono", 48000)
            for part in (*resampler.resample(frame), *resampler.resample(None), None):
                file.mux(heard.encode(part))
        for index in range(frames):
            pixels = np.zeros((size[1], size[0], 3), np.uint8)
            pixels[: size[1] // 2, :, 0], pixels[..., 2] = 200, min(40 * index, 200)
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = index, 1 / Fraction(rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return data.getvalue()


def song() -> bytes:
    """A file with sound and the picture of its cover, but none that moves."""
    data = io.BytesIO()
    with av.open(data, "w", "mp4") as file:
        cover = file.add_stream("mjpeg", 1, width=16, height=16, pix_fmt="yuvj420p")
        cover.disposition = Disposition.attached_pic
        heard = file.add_stream("aac", 48000, layout="mono")
        picture = av.VideoFrame(16, 16, "yuvj420p")
        picture.pts, picture.time_base = 0, Fraction(1)
        sound = av.AudioFrame.from_ndarray(tone(Fraction(1, 10)), "fltp", "mono")
        sound.sample_rate = 48000
        for stream, frame in ((cover, picture), (heard, sound)):
            file.mux(stream.encode(frame))
            file.mux(stream.encode())
    return data.getvalue()


def tone(seconds: Fraction) -> np.ndarray:
    """A sine of 440 Hz, float32 [1, sample], at 48000 samples in a second."""
    return (np.sin(np.arange(int(seconds * 48000)) * 440 * 2 * np.pi / 48000) / 2).astype(np.float32)[None]


def packets(data: bytes | str) -> list[tuple[int, bytes]]:
    """What the streams of a video consist of, as it is coded: one stream after another."""
    with av.open(io.BytesIO(data) if isinstance(data, bytes) else data) as file:
        found = [(packet.stream_index, bytes(packet)) for packet in file.demux() if packet.size]
    return sorted(found, key=lambda each: each[0])


def texts_of(path: str) -> dict[str, str]:
    """The texts in a video, by their names in small letters."""
    with av.open(path) as file:
        return {name.lower(): text for name, text in file.metadata.items()}
