import { useCallback, useState, type JSX } from "react";
import type { FileInfo } from "../api/types";
import { useRuns, useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import { isFilm, isSeen, picturesOf } from "../ui/pictures";
import { Nothing, Panel } from "./panel";
import { useAnswer } from "./use-answer";

const PAGE = 60;
const DRAGGED_FILE = "application/x-photogram-file";

/** What was made. Press to look at a picture, drag it onto a node that loads one. */
export function AssetsPanel(): JSX.Element {
  const { client } = useStudio();
  const [limit, setLimit] = useState(PAGE);
  const ended = useRuns((state) => state.list.find((run) => run.finished !== null)?.id ?? "");
  const ask = useCallback(() => client.files("output", { limit }), [client, limit]);
  const { answer } = useAnswer(ask, ended);
  const files = answer?.items.filter(({ name }) => isSeen(name)) ?? [];
  return (
    <Panel name="assets" title="Assets">
      <div className="panel-scroll">
        {answer === null && <Nothing>Reading…</Nothing>}
        {answer !== null && files.length === 0 && (
          <Nothing>Pictures and videos that you make appear here.</Nothing>
        )}
        <div className="asset-grid">
          {files.map((file, at) => (
            <Asset key={file.name} file={file} files={files} at={at} />
          ))}
        </div>
        {typeof answer?.next === "string" && (
          <button type="button" className="button panel-more" onClick={() => setLimit(limit + PAGE)}>
            Show more
          </button>
        )}
      </div>
    </Panel>
  );
}

function Asset({ file, files, at }: { file: FileInfo; files: readonly FileInfo[]; at: number }): JSX.Element {
  const { client, shell } = useStudio();
  return (
    <button
      type="button"
      className="asset"
      aria-label={`Open ${file.name}`}
      data-tip={file.name}
      draggable
      onDragStart={(event) => {
        event.dataTransfer.setData(DRAGGED_FILE, client.fileUrl(file.folder, file.name));
        event.dataTransfer.effectAllowed = "copy";
      }}
      onClick={() => shell.open({ kind: "viewer", pictures: picturesOf(client, files), index: at })}
    >
      <img
        src={client.fileUrl(file.folder, file.name, 256)}
        alt=""
        loading="lazy"
        decoding="async"
        draggable={false}
      />
      {isFilm(file.name) && (
        <span className="film-mark">
          <Icon name="play" size={12} />
        </span>
      )}
    </button>
  );
}
