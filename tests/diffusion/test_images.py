from pathlib import Path
from zlib import crc32

import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diffusion.images import (
    Margins,
    UnreadablePicture,
    from_pixels,
    inverted,
    padded_for_outpaint,
    read_channel,
    read_picture,
    to_pixels,
    write_png,
)

COLOURS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 10


def written(folder: Path, picture, name="picture.png", **options):
    path = folder / name
    (picture if isinstance(picture, PIL.Image.Image) else PIL.Image.fromarray(picture)).save(path, **options)
    return path


def test_a_picture_is_read_as_values_from_zero_to_one(tmp_path):
    image = read_picture(written(tmp_path, COLOURS)).image
    assert torch.equal(torch.as_tensor(image), torch.from_numpy(COLOURS / np.float32(255))[None])


def test_a_picture_without_transparency_has_an_empty_mask_of_64_pixels(tmp_path):
    mask = read_picture(written(tmp_path, COLOURS)).mask
    assert (tuple(mask.shape), bool(mask.any())) == ((1, 64, 64), False)


def test_the_mask_is_what_is_transparent(tmp_path):
    colours = np.dstack((COLOURS, np.array([[255, 0, 51], [255, 255, 255]], dtype=np.uint8)))
    mask = read_picture(written(tmp_path, colours)).mask
    assert mask[0].tolist() == [[0, 1, pytest.approx(0.8)], [0, 0, 0]]


def test_a_transparent_colour_of_a_palette_counts(tmp_path):
    picture = PIL.Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode="P")
    picture.putpalette([255, 0, 0, 0, 255, 0])
    mask = read_picture(written(tmp_path, picture, transparency=1)).mask
    assert mask[0].tolist() == [[0, 1]]


def test_a_photo_is_turned_upright(tmp_path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    image = read_picture(written(tmp_path, np.zeros((2, 5, 3), np.uint8), "photo.jpg", exif=exif)).image
    assert tuple(image.shape) == (1, 5, 2, 3)


def test_an_animation_gives_all_its_frames(tmp_path):
    frames = [PIL.Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (0, 100, 200)]
    path = tmp_path / "moving.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    assert (read_picture(path).image[:, 0, 0, 0] * 255).round().tolist() == [0, 100, 200]


def test_an_animation_of_too_many_frames_is_refused(tmp_path):
    frames = [PIL.Image.new("L", (1, 1), shade) for shade in (0, 255)] * 1001
    path = tmp_path / "endless.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(UnreadablePicture, match="more frames than fit in memory: 2000 were read"):
        read_picture(path)


def test_a_picture_of_sixteen_bits_is_scaled_as_in_all_the_field(tmp_path):
    path = written(tmp_path, np.array([[0, 255 * 100, 65535]], dtype=np.uint16))
    assert (read_picture(path).image[0, 0, :, 0] * 255).round().tolist() == [0, 100, 255]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "avif"])
def test_the_formats_of_the_web_can_be_opened(tmp_path, suffix):
    path = written(tmp_path, np.full((8, 8, 3), 128, np.uint8), f"picture.{suffix}")
    assert read_picture(path).image.mean().item() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("channel", "value"), [("red", 10 / 255), ("green", 20 / 255), ("blue", 30 / 255), ("alpha", 0.8)]
)
def test_one_channel_becomes_a_mask_with_alpha_inverted(tmp_path, channel, value):
    path = written(tmp_path, np.array([[[10, 20, 30, 51]]], dtype=np.uint8))
    assert read_channel(path, channel).flatten().tolist() == [pytest.approx(value)]


def test_a_picture_without_transparency_selects_nothing_of_its_size(tmp_path):
    path = written(tmp_path, np.zeros((3, 5, 3), dtype=np.uint8))
    assert torch.equal(read_channel(path, "alpha"), torch.zeros(1, 3, 5))


@pytest.mark.parametrize(
    "content", [b"", b"hello, I am a text", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
def test_what_is_no_picture_is_refused_in_a_sentence(tmp_path, content):
    (tmp_path / "note.png").write_bytes(content)
    with pytest.raises(UnreadablePicture, match=r"'note.png' is not a picture of a kind that can be opened"):
        read_picture(tmp_path / "note.png")


def test_a_picture_of_a_rare_format_is_refused(tmp_path):
    with pytest.raises(UnreadablePicture, match="Use a PNG, JPEG, WebP, GIF or AVIF"):
        read_picture(written(tmp_path, COLOURS, "picture.tiff"))


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0.05, 0.95), suffix=st.sampled_from(["png", "jpg", "webp"]))
def test_a_picture_cut_short_is_refused_or_read_but_never_crashes(tmp_path_factory, share, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path = written(tmp_path_factory.mktemp("cut"), noise, f"cut.{suffix}")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UnreadablePicture, match=r"'cut\.\w+' is (damaged|not a picture)"):
        read_picture(path)


def test_too_many_pixels_are_refused_from_the_header(tmp_path):
    path = written(tmp_path, COLOURS)
    data = bytearray(path.read_bytes())
    data[16:24] = (9000).to_bytes(4, "big") + (9000).to_bytes(4, "big")
    data[29:33] = crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(UnreadablePicture, match="9000 x 9000 pixels, over the limit of 64 megapixels"):
        read_picture(path)


def test_a_file_that_is_not_there_is_told_by_name(tmp_path):
    with pytest.raises(UnreadablePicture, match=r"There is no picture 'gone.png'"):
        read_picture(tmp_path / "gone.png")


def test_values_become_bytes_by_cutting_off_the_fraction():
    values = torch.tensor([-1.0, 0.0, 0.5, 0.9999, 1.0, 2.0, float("nan")]).view(1, 1, 7, 1)
    assert to_pixels(values).flatten().tolist() == [0, 0, 127, 254, 255, 255, 0]


@given(arrays.arrays(np.uint8, (1, 2, 3, 3)))
def test_bytes_survive_a_trip_through_values(pixels):
    assert np.array_equal(to_pixels(from_pixels(pixels)), pixels)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_a_png_holds_the_pixels_and_the_texts(tmp_path, channels, mode):
    pixels = np.full((2, 2, channels), 7, np.uint8)
    write_png(pixels, tmp_path / "a.png", {"workflow": '{"nodes": {}}'})
    with PIL.Image.open(tmp_path / "a.png") as read:
        assert (read.mode, read.text["workflow"]) == (mode, '{"nodes": {}}')
        assert np.array_equal(np.asarray(read).reshape(2, 2, channels), pixels)


def test_inverting_twice_gives_the_picture_back():
    image = torch.tensor([0.0, 0.25, 1.0]).view(1, 1, 1, 3)
    assert torch.equal(torch.as_tensor(inverted(inverted(image))), image)


def test_padding_adds_grey_margins_and_a_mask_that_paints_them():
    padded = padded_for_outpaint(torch.ones(2, 4, 4, 3), Margins(1, 2, 3, 0), 0)
    assert tuple(padded.image.shape) == (2, 6, 8, 3)
    assert padded.image[0, :, :, 0].unique().tolist() == [0.5, 1]
    assert torch.equal(torch.as_tensor(padded.mask[0] == 0), torch.as_tensor(padded.image[0, :, :, 0] == 1))


def test_feathering_fades_only_along_the_sides_that_grow():
    mask = padded_for_outpaint(torch.ones(1, 9, 9, 3), Margins(2, 0, 0, 0), 4).mask[0]
    assert mask[0].tolist() == mask[8].tolist() == [1, 1, 1, 0.5625, 0.25, 0.0625, 0, 0, 0, 0, 0]


def feathered(height: int, width: int, margins: Margins, feathering: int) -> list[list[float]]:
    """What the mask of a padded picture is inside it, pixel by pixel."""
    values = []
    for row in range(height):
        for column in range(width):
            sides = {"left": column, "top": row, "right": width - column, "bottom": height - row}
            seams = [way for side, way in sides.items() if getattr(margins, side)]
            near = min(seams, default=feathering)
            fades = near < feathering and 2 * feathering < min(height, width)
            values.append(((feathering - near) / feathering) ** 2 if fades else 0)
    return np.reshape(values, (height, width)).tolist()


@pytest.mark.parametrize(
    "margins", [Margins(0, 0, 0, 0), Margins(3, 0, 0, 5), Margins(0, 2, 4, 0), Margins(1, 1, 1, 1)]
)
@pytest.mark.parametrize(("size", "feathering"), [((9, 12), 4), ((12, 9), 3), ((11, 9), 1), ((9, 9), 0)])
def test_feathering_falls_off_with_the_square_of_the_distance_to_the_nearest_seam(size, feathering, margins):
    mask = padded_for_outpaint(torch.ones(1, *size, 3), margins, feathering).mask[0]
    inside = mask[margins.top :, margins.left :][: size[0], : size[1]]
    assert inside.tolist() == [pytest.approx(row) for row in feathered(*size, margins, feathering)]


@pytest.mark.parametrize(("height", "width"), [(8, 20), (20, 8), (3, 3)])
def test_a_picture_no_larger_than_twice_the_feathering_is_not_feathered(height, width):
    padded = padded_for_outpaint(torch.ones(1, height, width, 3), Margins(2, 2, 2, 2), 4)
    assert not padded.mask[0, 2:-2, 2:-2].any()
