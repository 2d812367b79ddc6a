import { useState, type JSX } from "react";
import { useCatalog, useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import { middle, plural } from "../ui/words";
import { Panel } from "./panel";

const NO_MODELS: ReadonlySet<string> = new Set(["input", "latents", "output"]);

/** The files in the model folders, by folder. */
export function ModelsPanel(): JSX.Element {
  const { catalog, notices } = useStudio();
  const folders = useCatalog((state) => state.folders);
  const [query, setQuery] = useState("");
  const shown = [...folders]
    .filter(([folder]) => !NO_MODELS.has(folder))
    .toSorted(([, one], [, other]) => Number(other.length > 0) - Number(one.length > 0));
  return (
    <Panel
      name="models"
      title="Models"
      actions={
        <button
          type="button"
          className="icon-button"
          data-small
          aria-label="Look again"
          data-tip="Look again"
          onClick={() => void catalog.refreshFolders()}
        >
          <Icon name="refresh" size={14} />
        </button>
      }
    >
      <div className="panel-search">
        <Icon name="search" size={14} />
        <input
          type="search"
          aria-label="Search models"
          placeholder="Search models"
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
      </div>
      <div className="panel-scroll">
        {shown.map(([folder, files]) => {
          const fits = files.filter((file) => file.toLowerCase().includes(query.toLowerCase()));
          if (query !== "" && fits.length === 0) return null;
          return (
            <details key={folder} className="category" open={files.length > 0}>
              <summary>
                <Icon name="chevron_right" size={12} />
                {folder}
                <span>{files.length === 0 ? "empty" : plural(files.length, "file")}</span>
              </summary>
              {files.length === 0 && <p className="panel-hint">Put files into models/{folder}.</p>}
              {fits.map((file) => (
                <button
                  key={file}
                  type="button"
                  className="model-file"
                  data-tip={file.length > 34 ? file : "Copy the name"}
                  onClick={() => {
                    void navigator.clipboard.writeText(file).then(
                      () => notices.info(`Copied ${file}.`),
                      () => undefined,
                    );
                  }}
                >
                  <Icon name="model" size={14} />
                  {middle(file, 34)}
                </button>
              ))}
            </details>
          );
        })}
      </div>
    </Panel>
  );
}
