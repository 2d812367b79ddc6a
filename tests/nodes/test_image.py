from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image
import pytest
import torch

from diffusion.images import UnreadablePicture
from graph.errors import WorkflowError
from nodes.image import (
    canny_edges,
    empty_image,
    get_image_size,
    image_invert,
    image_pad_for_outpaint,
    load_image,
    load_image_output,
    mask_preview,
    preview_image,
    save_animated_png,
    save_animated_webp,
    save_image,
    webcam_capture,
)
from server.embedded import workflow_in

PICTURE = torch.rand(2, 6, 8, 3, generator=torch.Generator().manual_seed(0))


@dataclass
class Folder:
    """An input and output folder that writes at once."""

    root: Path
    shown: list = field(default_factory=list)

    def path(self, name):
        return self.root / name

    def save(self, encode, *, prefix, suffix, shown, temporary=False):
        encode(self.root / f"{prefix}_{len(self.shown)}{suffix}", {"workflow": "{}"})
        self.shown.append(shown | {"temporary": temporary})


def test_what_was_saved_can_be_loaded(tmp_path):
    folder = Folder(tmp_path)
    save_image(PICTURE, "a", outputs=folder)
    loaded = [load_image(f"a_{index}.png", inputs=folder).image for index in (0, 1)]
    assert torch.allclose(torch.cat([torch.as_tensor(each) for each in loaded]), PICTURE, atol=1 / 255)


@pytest.mark.parametrize(("width", "height", "shape"), [(0, 0, (6, 8)), (4, 0, (3, 4)), (5, 7, (7, 5))])
def test_what_the_camera_took_has_its_own_size_or_the_one_that_is_set(tmp_path, width, height, shape):
    folder = Folder(tmp_path)
    save_image(PICTURE[:1], "a", outputs=folder)
    assert webcam_capture("a_0.png", width, height, inputs=folder).shape == (1, *shape, 3)


def test_a_camera_that_took_nothing_yet_is_told_of(tmp_path):
    with pytest.raises(WorkflowError, match="Nothing has been captured yet"):
        webcam_capture("", inputs=Folder(tmp_path))


def test_each_picture_of_a_batch_is_a_file_with_the_workflow_inside(tmp_path):
    folder = Folder(tmp_path)
    save_image(PICTURE, outputs=folder)
    assert folder.shown == [{"kind": "image", "width": 8, "height": 6, "temporary": False}] * 2
    assert PIL.Image.open(tmp_path / "Photogram_1.png").text == {"workflow": "{}"}


def test_a_preview_is_not_kept(tmp_path):
    folder = Folder(tmp_path)
    preview_image(PICTURE[:1], outputs=folder)
    assert folder.shown[0]["temporary"] is True


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(UnreadablePicture):
        load_image("a.png", inputs=Folder(tmp_path))


def test_an_inverted_picture_adds_up_to_white():
    assert torch.allclose(image_invert(PICTURE) + PICTURE, torch.tensor(1.0))


def test_padding_gives_a_picture_and_a_mask_of_one_size():
    image, mask = image_pad_for_outpaint(PICTURE, left=8, bottom=16, feathering=0)
    assert image.shape[1:3] == mask.shape[1:3] == (22, 16)


def test_a_mask_is_shown_without_being_kept(tmp_path):
    folder = Folder(tmp_path)
    mask_preview(torch.tensor([[[0.0, 1.0]]]), outputs=folder)
    assert folder.shown[0]["temporary"] is True
    assert list(PIL.Image.open(tmp_path / "mask_0.png").getdata()) == [(0, 0, 0), (255, 255, 255)]


@pytest.mark.parametrize(("save", "suffix"), [(save_animated_webp, "webp"), (save_animated_png, "png")])
def test_an_animation_holds_every_frame_and_the_workflow(tmp_path, save, suffix):
    folder = Folder(tmp_path)
    save(PICTURE, "a", 4.0, outputs=folder)
    path = tmp_path / f"a_0.{suffix}"
    animation = PIL.Image.open(path)
    animation.load()
    assert (animation.n_frames, animation.info["duration"], workflow_in(path.read_bytes())) == (2, 250, "{}")
    assert torch.allclose(load_image(path.name, inputs=folder).image, PICTURE, atol=1 / 255)


def test_a_picture_tells_its_size():
    assert get_image_size(PICTURE) == (8, 6, 2)


def test_an_empty_picture_has_a_colour():
    assert (empty_image(3, 2, 1, 0xFF8000)[0, 0, 0] * 255).round().tolist() == [255, 128, 0]


def test_edges_have_the_size_of_the_picture():
    assert canny_edges(PICTURE, 0.1, 0.2).shape == PICTURE.shape


@pytest.mark.parametrize("name", ["a_0.png", "a_0.png [output]"])
def test_a_result_is_read_from_the_output_folder_however_it_is_named(tmp_path, name):
    asked, folder = [], Folder(tmp_path)
    save_image(PICTURE, "a", outputs=folder)

    class Results:
        def path(self, wanted):
            asked.append(wanted)
            return folder.path(wanted.removesuffix(" [output]"))

    made = load_image_output(name, inputs=Results())
    assert asked == ["a_0.png [output]"] and made.image.shape == (1, 6, 8, 3)
