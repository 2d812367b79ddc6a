from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from diffusion.values import Audio
from diffusion.video import UnreadableVideo, facts, loaded
from nodes.video import create_video, get_video_components, load_video, save_video, save_webm
from tests.films import film, packets, song, texts_of

FRAMES = torch.linspace(0, 1, 6)[:, None, None, None].expand(6, 16, 32, 3)
TONE = Audio(torch.sin(torch.arange(28800) / 20)[None, None] / 2, 48000)


@dataclass
class Folder:
    """An input and output folder that writes at once."""

    root: Path
    shown: list = field(default_factory=list)
    said: list = field(default_factory=list)

    def path(self, name):
        return self.root / name

    def save(self, encode, *, prefix, suffix, shown):
        path = self.root / f"{prefix}_{len(self.shown)}{suffix}"
        path.parent.mkdir(exist_ok=True)
        encode(path, {"workflow": "{}"})
        self.shown.append(shown)

    def show_text(self, text):
        self.said.append(text)


def test_what_was_made_and_saved_can_be_loaded_and_taken_apart(tmp_path):
    folder = Folder(tmp_path)
    save_video(create_video(FRAMES, 10.0, TONE), outputs=folder)
    images, audio, fps = get_video_components(load_video("video/Photogram_0.mp4", inputs=folder))
    assert torch.allclose(images, FRAMES, atol=0.03)
    assert (fps, audio.sample_rate) == (10.0, 48000)
    assert folder.shown == [{"kind": "video", "width": 32, "height": 16}]
    assert texts_of(tmp_path / "video" / "Photogram_0.mp4")["workflow"] == "{}"


def test_a_video_that_is_only_loaded_and_saved_is_not_coded_again(tmp_path):
    folder, progress = Folder(tmp_path), []
    (tmp_path / "a.webm").write_bytes(film("webm", sound=True))
    video = load_video("a.webm", inputs=folder)
    save_video(video, "b", outputs=folder, progress=lambda *at: progress.append(at))
    assert packets(str(tmp_path / "b_0.webm")) == packets(film("webm", sound=True))
    assert progress == []


def test_silence_goes_from_one_video_into_the_next(tmp_path):
    folder = Folder(tmp_path)
    (tmp_path / "a.mp4").write_bytes(film())
    images, audio, fps = get_video_components(load_video("a.mp4", inputs=folder))
    made = create_video(images, fps, audio).source
    assert (made.images is images, made.rate, made.audio) == (True, 10, None)


def test_frames_are_counted_while_they_are_read_and_while_they_are_written(tmp_path):
    read, written = [], []
    (tmp_path / "a.mp4").write_bytes(film(frames=3))
    video = load_video("a.mp4", inputs=Folder(tmp_path))
    get_video_components(video, progress=lambda *at: read.append(at))
    save_webm(FRAMES, outputs=Folder(tmp_path), progress=lambda *at: written.append(at))
    assert (read, written[-1]) == ([(1, 3), (2, 3), (3, 3)], (6, 6))


@pytest.mark.parametrize("codec", ["vp9", pytest.param("av1", marks=pytest.mark.slow)])
def test_a_webm_holds_every_frame_and_the_workflow(tmp_path, codec):
    folder = Folder(tmp_path)
    save_webm(FRAMES, "a", codec, 8.0, 20.0, outputs=folder)
    assert facts(loaded(tmp_path / "a_0.webm")) == (32, 16, 8, 6)
    assert texts_of(tmp_path / "a_0.webm")["workflow"] == "{}"


def test_worse_quality_makes_a_smaller_file(tmp_path):
    noise = torch.rand(2, 32, 32, 3, generator=torch.Generator().manual_seed(0))
    sizes = []
    for crf in (5.0, 60.0):
        save_webm(noise, f"{crf}", crf=crf, outputs=Folder(tmp_path))
        sizes.append((tmp_path / f"{crf}_0.webm").stat().st_size)
    assert sizes[0] > 3 * sizes[1]


def test_a_person_is_told_that_odd_sizes_become_even(tmp_path):
    folder = Folder(tmp_path)
    save_video(create_video(FRAMES[:, :15, :31], 10.0), outputs=folder)
    assert folder.shown == [{"kind": "video", "width": 32, "height": 16}]
    assert folder.said == [
        "Saved as 32 x 16: H.264 has no odd sizes, so the edge of 31 x 15 pixels is doubled."
    ]


def test_a_file_that_is_no_video_is_told_of_by_the_node_that_loads_it(tmp_path):
    (tmp_path / "a.mp4").write_bytes(song())
    with pytest.raises(UnreadableVideo, match="no moving pictures"):
        load_video("a.mp4", inputs=Folder(tmp_path))
