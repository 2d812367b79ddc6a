"""Cutting the middle out of a picture, in another aspect."""

from torch import Tensor


def center_cropped(planes: Tensor, width: int, height: int) -> Tensor:
    """The middle of the planes, in the aspect of width and height; at least one row and column."""
    old_height, old_width = planes.shape[-2:]
    old_aspect, aspect = old_width / old_height, width / height
    cut_x = cut_y = 0
    if old_aspect > aspect:
        cut_x = min(round((old_width - old_width * (aspect / old_aspect)) / 2), (old_width - 1) // 2)
    elif old_aspect < aspect:
        cut_y = min(round((old_height - old_height * (old_aspect / aspect)) / 2), (old_height - 1) // 2)
    return planes[..., cut_y : old_height - cut_y, cut_x : old_width - cut_x]
