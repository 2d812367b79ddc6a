import type { Studio } from "../ui/editor";
import type { FileHost } from "../widgets/props";

/** The files of the server, for pickers. */
export function fileHost(studio: Studio, folders: ReadonlyMap<string, readonly string[]>): FileHost {
  const { client, catalog, notices } = studio;
  return {
    namesIn: (folder) => folders.get(folder) ?? [],
    pictureOf: (folder, name) => (folder === "input" ? client.fileUrl("input", name, 512) : null),
    upload: async (file) => {
      try {
        const { name } = await client.upload(file, file.name === "" ? "pasted.png" : file.name);
        await catalog.refreshFolders();
        return name;
      } catch (error) {
        notices.failure(error);
        return null;
      }
    },
  };
}
