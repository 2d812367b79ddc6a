import type { FileFolder } from "../api/types";
import type { Studio } from "../ui/editor";
import type { FileHost } from "../widgets/props";

const ANNOTATED = /^(.*\S)\s*\[(input|output|temp)\]$/s;
const FOLDERS: readonly FileFolder[] = ["input", "output", "temp"];

/** The files of the server, for pickers. */
export function fileHost(studio: Studio, folders: ReadonlyMap<string, readonly string[]>): FileHost {
  const { client } = studio;
  return {
    namesIn: (folder) => folders.get(folder) ?? [],
    pictureOf: (folder, value) => {
      const home = folder === "videos" ? "input" : folder;
      const [, name = value, said = home] = ANNOTATED.exec(value) ?? [];
      const [own, place] = [home, said].map((wanted) => FOLDERS.find((each) => each === wanted));
      if (own === undefined || place === undefined) return null;
      return folder === "videos" ? client.fileUrl(place, name) : client.fileUrl(place, name, 512);
    },
    upload: (file) => upload(studio, file),
  };
}

/** Put a file into the server's input folder. Answers its name there, or null. */
export async function upload({ client, catalog, notices }: Studio, file: File): Promise<string | null> {
  try {
    const { name } = await client.upload(file, file.name === "" ? "pasted.png" : file.name);
    await catalog.refreshFolders();
    return name;
  } catch (error) {
    notices.failure(error);
    return null;
  }
}
