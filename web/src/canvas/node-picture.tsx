import { useState, type JSX } from "react";
import { runId } from "../model/path";
import { isPictured } from "../state/results";
import { makerOf, resultsOf } from "../state/runs";
import type { ShownItem } from "../api/types";
import { useDocument, useRuns, useShell, useStudio } from "../ui/editor";
import { Film } from "../ui/film";
import { Icon } from "../ui/icon";
import { picturesOf } from "../ui/pictures";
import type { NodeSpec } from "../model/spec";
import { picksFrom } from "../model/geometry";
import { Chosen } from "../widgets/chosen";
import { NoPicture } from "../widgets/no-picture";
import { Upload } from "../widgets/upload";
import { useGone } from "../widgets/use-gone";
import { PictureStrip } from "./picture-strip";
import { useStale, useStatus } from "./status";

const NOTHING: readonly ShownItem[] = [];

function useShown(id: string): readonly ShownItem[] {
  const key = useDocument((state) => state.key);
  const name = useDocument((state) => runId(state.path, id));
  return useRuns((state) => resultsOf(state, key).shown.get(name) ?? NOTHING);
}

/** What a node that saves or shows has to show. Another document's node of the same id is another one. */
export function NodePicture({ id }: { id: string }): JSX.Element {
  const place = useDocument((state) => JSON.stringify([state.key, state.path]));
  return <Pictures key={place} id={id} />;
}

/** The newest picture, large; the others of its batch below. */
function Pictures({ id }: { id: string }): JSX.Element {
  const shown = useShown(id);
  const stale = useStale(id);
  const images = shown.filter(isPictured);
  const texts = shown.filter((item) => !isPictured(item)).map(said);
  const [at, setAt] = useState(0);
  const item = images[Math.min(at, images.length - 1)];
  if (item === undefined) {
    return texts.length > 0 ? (
      <pre className="node-picture picture-text nodrag nowheel">{texts.join("\n")}</pre>
    ) : (
      <NoPicture>What it makes appears here</NoPicture>
    );
  }
  return (
    <div className="node-picture">
      {item.kind === "video" ? (
        <FinalFilm images={images} item={item} stale={stale} />
      ) : (
        <Final images={images} item={item} stale={stale} />
      )}
      {texts.length > 0 && <p className="picture-said">{texts.join("\n")}</p>}
      {images.length > 1 && <PictureStrip count={images.length} at={images.indexOf(item)} onChange={setAt} />}
    </div>
  );
}

/** What is read on a node: a text it shows, or what it called a file. */
function said(item: ShownItem): string {
  return item.kind === "file" ? `Saved as ${item.name}` : item.text;
}

interface FinalProps {
  images: readonly ShownItem[];
  item: ShownItem;
  stale: boolean;
}

/** A finished picture; the one before it stays until the new one has arrived. */
function Final({ images, item, stale }: FinalProps): JSX.Element {
  const { client, shell } = useStudio();
  const run = useRuns((state) => makerOf(state.list, item));
  const size = useShell(({ zoom }) => (zoom > 1.4 ? 1024 : zoom > 0.6 ? 512 : 256));
  const source = client.fileUrl(item.folder, item.name, size);
  const [ready, setReady] = useState("");
  const [gone, onError] = useGone(source);
  const at = images.indexOf(item);
  if (gone) return <NoPicture>This picture is gone. Run again to see one.</NoPicture>;
  return (
    <button
      type="button"
      className="picture-frame nodrag"
      data-stale={stale || undefined}
      aria-label={`Open ${item.name}`}
      tabIndex={-1}
      onClick={() => shell.open({ kind: "viewer", pictures: picturesOf(client, images, run), index: at })}
    >
      {ready !== "" && ready !== source && <img src={ready} alt="" decoding="async" draggable={false} />}
      <img
        className="picture-new"
        src={source}
        alt={`Result ${item.name}`}
        decoding="async"
        draggable={false}
        data-ready={ready === source || undefined}
        onLoad={() => setReady(source)}
        onError={onError}
      />
      {stale && <span className="picture-stale">out of date</span>}
    </button>
  );
}

/** A finished video; what opens it large lies over it, because the video takes what is pressed on it. */
function FinalFilm({ images, item, stale }: FinalProps): JSX.Element {
  const { client, shell } = useStudio();
  const run = useRuns((state) => makerOf(state.list, item));
  const source = client.fileUrl(item.folder, item.name);
  const [gone, onError] = useGone(source);
  if (gone) return <NoPicture>This video is gone, or this browser cannot play it.</NoPicture>;
  const index = images.indexOf(item);
  return (
    <div className="picture-frame picture-film nodrag" data-stale={stale || undefined}>
      <Film source={source} label={`Result ${item.name}`} onError={onError} />
      <button
        type="button"
        className="film-mark film-button"
        aria-label={`Open ${item.name}`}
        data-tip="Open"
        tabIndex={-1}
        onClick={() => shell.open({ kind: "viewer", pictures: picturesOf(client, images, run), index })}
      >
        <Icon name="fit" size={14} />
      </button>
      {stale && <span className="picture-stale">out of date</span>}
    </div>
  );
}

/** The picture of the step a sampler is at; for a node that loads a picture or video, the way to choose one. */
export function StepPicture({ id, spec }: { id: string; spec: NodeSpec }): JSX.Element | null {
  const key = useDocument((state) => state.key);
  const name = useDocument((state) => runId(state.path, id));
  const url = useRuns((state) => resultsOf(state, key).previews.get(name)?.url ?? null);
  const running = useStatus(id).kind === "running";
  const picture = picksFrom(spec, "input");
  const video = picksFrom(spec, "videos");
  const result = picksFrom(spec, "output");
  if (url === null && picture !== null) return <Upload node={id} name={picture} folder="input" />;
  if (url === null && video !== null) return <Upload node={id} name={video} folder="videos" />;
  if (url === null) return result === null ? null : <Chosen node={id} name={result} />;
  return (
    <figure className="node-picture picture-step" data-running={running || undefined}>
      <img src={url} alt="Preview of the running step" draggable={false} />
    </figure>
  );
}
