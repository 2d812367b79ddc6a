import type { Studio } from "../ui/editor";
import type { FileHost } from "../widgets/props";

/** The files of the server, for pickers. */
export function fileHost(studio: Studio, folders: ReadonlyMap<string, readonly string[]>): FileHost {
  const { client } = studio;
  return {
    namesIn: (folder) => folders.get(folder) ?? [],
    pictureOf: (folder, name) => (folder === "input" ? client.fileUrl("input", name, 512) : null),
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
