from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
import torch

from diffusion.values import Audio, Footage, Image, Video
from diffusion.video import facts, footage, loaded
from diffusion.video_saving import H264, UnwritableVideo, coded, encoded, rate_of, webm, write_video
from tests.films import film, packets, texts_of, tone

slow = partial(pytest.param, marks=pytest.mark.slow)
RAMP = torch.stack(torch.meshgrid(torch.linspace(0, 1, 48), torch.linspace(0, 1, 64), indexing="ij"), -1)
TEXTS = {"prompt": '{"1": "\u00fc"}', "workflow": "w" * 100_000}


def unwatched(done: int, total: int) -> None:
    pass


def frames(count: int = 5, height: int = 48, width: int = 64, channels: int = 3) -> Image:
    """Colours that change slowly from pixel to pixel and from frame to frame."""
    made = [torch.cat([RAMP, torch.full((48, 64, 2), 0.1 * index)], -1) for index in range(count)]
    return Image(torch.stack(made)[:, :height, :width, :channels])


def written(folder: Path, video, texts=TEXTS) -> Path:
    path = folder / f"written.{video.container}"
    write_video(video, path, texts)
    return path


def stored(folder: Path, data: bytes) -> Video:
    (folder / "film.mp4").write_bytes(data)
    return loaded(folder / "film.mp4")


@pytest.mark.parametrize("coding", [H264, webm("vp9", 20), webm("av1", 20)], ids=["h264", "vp9", "av1"])
def test_frames_come_back_as_many_as_large_as_fast_and_as_coloured(tmp_path, coding):
    made = Footage(frames(), Fraction(30000, 1001))
    again = footage(loaded(written(tmp_path, encoded(made, coding, unwatched))), unwatched)
    assert (again.rate, again.images.shape) == (made.rate, made.images.shape)
    assert (again.images - made.images).abs().mean() < 0.015


@pytest.mark.parametrize("fps", [29.97, *map(slow, (1.0, 0.01, 23.976, 24.0, 120.0, 1000.0))])
def test_a_rate_is_kept_as_it_was_typed(tmp_path, fps):
    made = Footage(frames(3), rate_of(fps))
    for coding in (H264, webm("vp9", 40)):
        path = written(tmp_path, encoded(made, coding, unwatched))
        assert float(facts(loaded(path)).rate) == pytest.approx(fps, rel=1e-4)


@pytest.mark.parametrize(
    ("channels", "rate"), [(2, 44100), slow(1, 48000), slow(2, 8000), slow(6, 48000), slow(3, 12345)]
)
def test_sound_comes_back_in_step(tmp_path, channels, rate):
    sine = torch.sin(torch.arange(rate).float() * 440 * 2 * torch.pi / rate) / 2
    made = Footage(frames(5), Fraction(5), Audio(sine.expand(1, channels, -1), rate))
    sound = footage(loaded(written(tmp_path, encoded(made, H264, unwatched))), unwatched).audio
    begin, end = round(0.3 * sound.sample_rate), round(0.9 * sound.sample_rate)
    again = torch.arange(begin, end) / sound.sample_rate
    assert sound.waveform.shape[1] == (1 if channels == 3 else channels)
    assert abs(sound.waveform.shape[2] / sound.sample_rate - 1) < 0.3
    wanted = torch.sin(again * 440 * 2 * torch.pi) / 2
    assert (sound.waveform[0, 0, begin:end] - wanted).abs().mean() < 0.08


def test_sound_longer_than_the_pictures_ends_with_them(tmp_path):
    made = Footage(frames(5), Fraction(10), Audio(torch.from_numpy(tone(Fraction(3)))[None], 48000))
    sound = footage(loaded(written(tmp_path, encoded(made, H264, unwatched))), unwatched).audio
    assert abs(sound.waveform.shape[2] - 24000) < 2048


@pytest.mark.parametrize("coding", [H264, webm("vp9", 30)], ids=["mp4", "webm"])
def test_texts_are_found_again(tmp_path, coding):
    path = written(tmp_path, encoded(Footage(frames(1), Fraction(8)), coding, unwatched))
    assert {name: texts_of(str(path))[name] for name in TEXTS} == TEXTS


def test_odd_sides_get_one_more_pixel_and_that_is_told():
    video = encoded(Footage(frames(1, 31, 47), Fraction(8)), H264, unwatched)
    assert (video.width, video.height) == (48, 32)
    assert "48 x 32" in video.note and "47 x 31" in video.note
    assert encoded(Footage(frames(1, 32, 48), Fraction(8)), H264, unwatched).note == ""


def test_what_is_added_to_odd_sides_looks_like_their_edge(tmp_path):
    made = Footage(frames(1, 31, 47), Fraction(8))
    again = footage(loaded(written(tmp_path, encoded(made, H264, unwatched))), unwatched).images
    assert (again[:, :31, :47] - made.images).abs().mean() < 0.02
    assert (again[:, 31] - again[:, 30]).abs().mean() < 0.03


@pytest.mark.parametrize("codec", [slow("vp9"), "av1"])
def test_a_webm_keeps_odd_sides(tmp_path, codec):
    video = encoded(Footage(frames(2, 31, 47), Fraction(8)), webm(codec, 30), unwatched)
    assert facts(loaded(written(tmp_path, video)))[:2] == (47, 31)
    assert video.note == ""


@pytest.mark.parametrize("channels", [1, slow(4)])
def test_grey_and_transparent_pictures_are_saved_in_colour(tmp_path, channels):
    again = footage(loaded(written(tmp_path, encoded(
        Footage(frames(2, channels=channels), Fraction(8)), H264, unwatched)
    )), unwatched).images  # fmt: skip
    assert (again - frames(2, channels=channels)[..., :3]).abs().mean() < 0.02


@pytest.mark.parametrize(("coding", "size"), [(H264, (16, 16500)), (webm("av1", 30), (2, 2))])
def test_a_size_that_cannot_be_coded_is_one_sentence(coding, size):
    with pytest.raises(
        UnwritableVideo, match=r"Frames of \d+ x \d+ pixels, 8 a second, cannot be coded with lib"
    ):
        encoded(Footage(Image(torch.zeros(1, *size, 3)), Fraction(8)), coding, unwatched)


def test_work_can_be_ended_after_any_frame():
    def after_two(done: int, total: int) -> None:
        assert total == 5
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encoded(Footage(frames(), Fraction(8)), H264, after_two)


@pytest.mark.parametrize(
    ("made", "container", "codec", "ends_as"),
    [
        slow("mp4", "auto", "auto", "mp4"), ("mp4", "mp4", "h264", "mp4"), ("webm", "auto", "auto", "webm"),
        slow("webm", "mp4", "auto", "mp4"), ("matroska", "auto", "auto", "mp4"),
        slow("matroska", "auto", "h264", "mp4"),
    ],
)  # fmt: skip
def test_what_a_file_holds_is_taken_over_to_the_byte(tmp_path, made, container, codec, ends_as):
    data = film(made, frames=6, sound=True, texts={"prompt": "old", "comment": "at home"})
    video = coded(stored(tmp_path, data), container, codec, unwatched)
    path = written(tmp_path, video)
    assert (video.container, packets(str(path))) == (ends_as, packets(data))
    texts = texts_of(str(path))
    assert (texts["prompt"], "comment" in texts) == (TEXTS["prompt"], False)
    before, after = Video(tmp_path / "film.mp4"), loaded(path)
    assert facts(after) == facts(before)
    assert torch.equal(footage(after, unwatched).images, footage(before, unwatched).images)


def test_apples_players_find_hevc_in_an_mp4(tmp_path):
    data = film("hevc")
    path = written(tmp_path, coded(stored(tmp_path, data), "auto", "auto", unwatched))
    assert (b"hev1" in data, packets(str(path))) == (True, packets(data))
    assert b"hvc1" in path.read_bytes()


@pytest.mark.parametrize(
    ("made", "container", "codec"), [("webm", "auto", "h264"), slow("mov", "auto", "auto")]
)
def test_what_players_would_not_read_there_is_coded_anew(tmp_path, made, container, codec):
    video = coded(stored(tmp_path, film(made, frames=6, sound=True)), container, codec, unwatched)
    again = footage(loaded(written(tmp_path, video)), unwatched)
    assert (video.container, len(again.images)) == ("mp4", 6)
    assert again.audio is not None


def test_a_video_that_is_turned_stays_turned(tmp_path):
    video = stored(tmp_path, film(quarters=1))
    path = written(tmp_path, coded(video, "auto", "auto", unwatched))
    assert torch.equal(footage(loaded(path), unwatched).images, footage(video, unwatched).images)
