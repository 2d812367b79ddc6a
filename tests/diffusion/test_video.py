import io
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from diffusion.values import Footage, Image, Video
from diffusion.video import Facts, UnreadableVideo, facts, footage, loaded
from tests.films import film, song, tone

slow = partial(pytest.param, marks=pytest.mark.slow)


def unwatched(done: int, total: int) -> None:
    pass


def stored(folder: Path, data: bytes, name: str = "film.mp4") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def red(frame: torch.Tensor) -> torch.Tensor:
    return frame[..., 0] > 0.5


@pytest.mark.parametrize("container", ["mp4", slow("mov"), "webm", slow("matroska")])
def test_a_video_tells_its_size_rate_and_length_and_gives_just_that(tmp_path, container):
    video = loaded(stored(tmp_path, film(container, (48, 32), 5, Fraction(30000, 1001), sound=True)))
    parts = footage(video, unwatched)
    assert facts(video) == Facts(48, 32, Fraction(30000, 1001), 5)
    assert facts(video).duration == 5 * Fraction(1001, 30000)
    assert (tuple(parts.images.shape), parts.rate) == ((5, 32, 48, 3), Fraction(30000, 1001))


def test_a_loaded_video_stays_in_its_file(tmp_path):
    path = stored(tmp_path, film())
    assert loaded(path).source == path


def test_the_frames_have_the_colours_and_the_order_that_went_in(tmp_path):
    images = footage(loaded(stored(tmp_path, film(frames=5))), unwatched).images
    assert (images.dtype, red(images[0]).float().mean().item()) == (torch.float32, 0.5)
    assert images[:, 12, 16, 2].numpy() == pytest.approx(np.arange(5) * 40 / 255, abs=0.03)


@pytest.mark.parametrize(("quarters", "side"), [slow(0, "top"), (1, "left"), slow(2, "bottom"), (3, "right")])
def test_a_video_that_was_held_otherwise_is_turned_upright(tmp_path, quarters, side):
    video = loaded(stored(tmp_path, film(quarters=quarters)))
    frame = red(footage(video, unwatched).images[0])
    halves = {"top": frame[:4], "bottom": frame[-4:], "left": frame[:, :4], "right": frame[:, -4:]}
    assert [name for name, half in halves.items() if half.all()] == [side]
    assert facts(video)[:2] == (frame.shape[1], frame.shape[0])


def test_sound_comes_along_at_its_own_rate(tmp_path):
    sound = footage(loaded(stored(tmp_path, film("mov", frames=2, sound=True))), unwatched).audio
    assert (sound.sample_rate, sound.waveform.dtype) == (48000, torch.float32)
    assert sound.waveform[0].numpy() == pytest.approx(tone(Fraction(2, 10)), abs=1e-3)


def test_a_silent_video_has_no_sound(tmp_path):
    assert footage(loaded(stored(tmp_path, film())), unwatched).audio is None


def test_sound_that_begins_later_than_the_pictures_stays_in_step(tmp_path):
    sound = footage(loaded(stored(tmp_path, film("mov", sound=True, late=0.1))), unwatched).audio
    loud = sound.waveform[0, 0].abs() > 0.01
    assert abs(int(loud.nonzero()[0]) - 4800) < 100


def test_footage_is_its_own_video():
    whole = Footage(Image(torch.zeros(6, 8, 4, 3)), Fraction(3))
    assert footage(Video(whole), unwatched) is whole
    assert facts(Video(whole)) == Facts(4, 8, Fraction(3), 6)


def picture(format: str) -> bytes:
    data = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(data, format)
    return data.getvalue()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_a_picture_is_told_from_a_video(tmp_path, format):
    with pytest.raises(UnreadableVideo, match=r"'film.mp4' is a picture, not a video\. Use Load Image"):
        loaded(stored(tmp_path, picture(format)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a video of a kind"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not a video of a kind"),
        (film("avi"), "not a video of a kind"),
        (film()[:-400], "damaged or cut short"),
        (film("webm")[:200], "damaged or cut short"),
        (film()[:8] + bytes(500), "damaged or cut short"),
        (song(), "no moving pictures"),
    ],
    ids=["empty", "playlist", "avi", "short mp4", "short webm", "zeros", "song"],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, data, message):
    with pytest.raises(UnreadableVideo, match=message) as caught:
        loaded(stored(tmp_path, data))
    assert caught.value.message.startswith("'film.mp4'") and caught.value.hint


def test_a_video_that_is_gone_is_named(tmp_path):
    with pytest.raises(UnreadableVideo, match="There is no video 'gone.mp4'"):
        loaded(tmp_path / "gone.mp4")


def test_notes_in_an_unknown_script_do_no_harm(tmp_path):
    data = film(texts={"comment": "a note in some other script"}).replace(
        b"a note", b"\xff\xfe\x80\xc3\xff\xfa"
    )
    assert len(footage(loaded(stored(tmp_path, data)), unwatched).images) == 4


@pytest.mark.slow
def test_a_video_cut_anywhere_gives_the_frames_before_the_cut_or_one_sentence(tmp_path):
    whole = film("webm", sound=True)
    all_frames = footage(loaded(stored(tmp_path, whole)), unwatched).images
    counts = []
    for length in range(0, len(whole), 211):
        try:
            images = footage(loaded(stored(tmp_path, whole[:length])), unwatched).images
        except UnreadableVideo as error:
            assert error.message.startswith("'film.mp4'")
            counts.append(0)
        else:
            assert torch.equal(images, all_frames[: len(images)])
            counts.append(len(images))
    assert counts[0] == 0 < counts[-1]


def test_a_video_beyond_the_memory_is_refused_before_it_fills_it(tmp_path):
    done = []
    video = loaded(stored(tmp_path, film(size=(64, 64), frames=8)))
    with pytest.raises(UnreadableVideo, match=r"64 x 64 pixels, 8 frames.*does not fit in memory"):
        footage(video, lambda *at: done.append(at), room_bytes=7 * 64 * 64 * 15)
    assert done == []
    assert len(footage(video, unwatched, room_bytes=8 * 64 * 64 * 15).images) == 8


def test_work_can_be_ended_after_any_frame(tmp_path):
    def after_two(done: int, total: int) -> None:
        assert total == 5
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        footage(loaded(stored(tmp_path, film(frames=5))), after_two)
