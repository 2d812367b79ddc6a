import type { Client } from "../api/client";
import type { FileFolder } from "../api/types";
import type { Picture } from "./shell";

interface PictureFile {
  readonly folder: FileFolder;
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

/** Whether a file is a video, as its name tells. */
export function isFilm(name: string): boolean {
  return /\.(mp4|mov|m4v|webm|mkv)$/i.test(name);
}

/** Whether a file can be looked at, as its name tells: saved weights and latents cannot. */
export function isSeen(name: string): boolean {
  return isFilm(name) || /\.(png|jpe?g|webp|gif|avif)$/i.test(name);
}

/** Files of the server as pictures for the viewer. */
export function picturesOf(
  client: Client,
  files: readonly PictureFile[],
  run: string | null = null,
): readonly Picture[] {
  return files.map(({ folder, name, width, height }) => ({
    url: client.fileUrl(folder, name),
    thumbnail: client.fileUrl(folder, name, 512),
    name,
    film: isFilm(name),
    width,
    height,
    run,
  }));
}
