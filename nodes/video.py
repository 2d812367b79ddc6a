"""Nodes that load, take apart, make and save videos."""

from functools import partial
from typing import Annotated, NamedTuple

from diffusion.values import Audio, Footage, Image, Video
from diffusion.video import footage, loaded
from diffusion.video_saving import Coded, coded, encoded, rate_of, webm, write_video
from graph.define import node
from graph.services import Inputs, Outputs, Progress, quiet
from graph.widgets import FileIn, OneOf, Range


class Components(NamedTuple):
    """What a video consists of."""

    images: Image
    audio: Audio | None
    fps: float


@node("LoadVideo", category="image/video", title="Load Video", outputs=("VIDEO",))
def load_video(file: Annotated[str, FileIn("videos", upload=True)], *, inputs: Inputs) -> Video:
    """Open a video; its frames are read when they are needed.

    Args:
        file: The video's file.

    Returns:
        The video.
    """
    return loaded(inputs.path(file))


@node(
    "GetVideoComponents",
    category="image/video",
    title="Get Video Components",
    outputs=("images", "audio", "fps"),
)
def get_video_components(video: Video, *, progress: Progress = quiet) -> Components:
    """Take a video apart.

    Args:
        video: The video.

    Returns:
        images: Its frames.
        audio: Its sound, if it has any.
        fps: How many frames are shown in a second.
    """
    parts = footage(video, progress)
    return Components(parts.images, parts.audio, float(parts.rate))


@node("CreateVideo", category="image/video", title="Create Video", outputs=("VIDEO",))
def create_video(
    images: Image, fps: Annotated[float, Range(1.0, 120.0, step=1.0)] = 30.0, audio: Audio | None = None
) -> Video:
    """Make a video of pictures.

    Args:
        images: The frames.
        fps: How many frames are shown in a second.
        audio: The sound; what is longer than the pictures is left out when the video is saved.

    Returns:
        The video.
    """
    return Video(Footage(images, rate_of(fps), audio))


@node("SaveVideo", category="image/video", title="Save Video")
def save_video(
    video: Video,
    filename_prefix: str = "video/Photogram",
    format: Annotated[str, OneOf(("auto", "mp4"))] = "auto",
    codec: Annotated[str, OneOf(("auto", "h264"))] = "auto",
    *,
    outputs: Outputs,
    progress: Progress = quiet,
) -> None:
    """Keep a video in the output folder, with the workflow inside.

    Args:
        video: The video.
        filename_prefix: How the file's name begins. A slash makes a folder.
        format: The kind of file. auto keeps that of a loaded video, and makes an MP4 otherwise.
        codec: How the frames are coded. auto keeps a loaded video as it is, and codes as H.264 otherwise.
    """
    _save(coded(video, format, codec, progress), filename_prefix, outputs)


@node("SaveWEBM", category="image/video", title="SaveWEBM", experimental=True)
def save_webm(
    images: Image,
    filename_prefix: str = "Photogram",
    codec: Annotated[str, OneOf(("vp9", "av1"))] = "vp9",
    fps: Annotated[float, Range(0.01, 1000.0, step=0.01)] = 24.0,
    crf: Annotated[float, Range(0, 63.0, step=1)] = 32.0,
    *,
    outputs: Outputs,
    progress: Progress = quiet,
) -> None:
    """Keep pictures as one WebM video in the output folder, with the workflow inside.

    Args:
        images: The frames.
        filename_prefix: How the file's name begins. A slash makes a folder.
        codec: How the frames are coded. av1 makes smaller files, and takes longer.
        fps: How many frames are shown in a second.
        crf: How much is left out, 0 to 63: more makes a smaller file, and a worse picture.
    """
    film = Footage(images, rate_of(fps))
    _save(encoded(film, webm(codec, crf), progress), filename_prefix, outputs)


def _save(video: Coded, prefix: str, outputs: Outputs) -> None:
    shown = {"kind": "video", "width": video.width, "height": video.height}
    outputs.save(partial(write_video, video), prefix=prefix, suffix=f".{video.container}", shown=shown)
    if video.note:
        outputs.show_text(video.note)
