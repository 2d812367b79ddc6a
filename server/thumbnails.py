"""Small versions of pictures and of the first frames of videos, made once and kept on the disk."""

import asyncio
import hashlib
from pathlib import Path

from server.files import kind_of, opened, write_durably
from server.pictures import PictureRefused, Pictures
from server.sending import etag_of

SIZES = (256, 512, 1024)
KEPT = 10_000


class Thumbnails:
    """Makes WebP thumbnails through the limited process, and finds those made before."""

    def __init__(self, folder: Path, pictures: Pictures) -> None:
        self.folder, self._pictures = folder, pictures

    async def name(self, root: Path, name: str, size: int) -> str:
        """The name below `folder` of the thumbnail of a picture or video. Raises NotThere, PictureRefused."""
        with opened(root, name) as file:
            if not kind_of(file.read(32)).startswith(("image/", "video/")):
                raise PictureRefused("The file is neither a picture nor a video.", "Ask for it without size.")
            digest = hashlib.sha256(f"{root}/{name} {etag_of(file)} {size}".encode()).hexdigest()
            path = self.folder / f"{digest}.webp"
            if not path.is_file():
                picture = await self._pictures.thumbnail(file, size)
                await asyncio.to_thread(self._keep, path, picture)
        return path.name

    def prune(self, kept: int = KEPT) -> None:
        """Remove the oldest beyond the number that is kept."""
        if not self.folder.is_dir():
            return
        paths = sorted(self.folder.glob("*.webp"), key=lambda path: path.stat().st_mtime_ns)
        for path in paths[:-kept]:
            path.unlink(missing_ok=True)

    def _keep(self, path: Path, picture: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_durably(path, picture)
