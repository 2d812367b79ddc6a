import { useCallback, useState, type JSX, type KeyboardEvent } from "react";
import { entry, isObject, readJson, type Json } from "../model/json";
import { Dialog } from "../ui/dialog";
import { useStudio } from "../ui/editor";
import { Film } from "../ui/film";
import { Icon } from "../ui/icon";
import type { Picture } from "../ui/shell";
import { useAnswer } from "./use-answer";

/** A picture or video in full size, with what it was made from. */
export function Viewer({
  pictures,
  index,
}: {
  pictures: readonly Picture[];
  index: number;
}): JSX.Element | null {
  const { shell, files } = useStudio();
  const [at, setAt] = useState(index);
  const [whole, setWhole] = useState(true);
  const picture = pictures[at];
  if (picture === undefined) return null;
  const close = (): void => shell.close();
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "ArrowRight") setAt(Math.min(pictures.length - 1, at + 1));
    if (event.key === "ArrowLeft") setAt(Math.max(0, at - 1));
  };
  const run = picture.run ?? null;
  return (
    <Dialog title={picture.name} className="viewer" onClose={close}>
      <div className="viewer-body" onKeyDown={onKeyDown}>
        {picture.film ? (
          <div className="viewer-stage" data-whole data-film>
            <Film source={picture.url} label={`Video ${picture.name}`} />
          </div>
        ) : (
          <button
            type="button"
            className="viewer-stage"
            data-whole={whole || undefined}
            aria-label={whole ? "Show at full size" : "Fit into the window"}
            onClick={() => setWhole(!whole)}
          >
            <img src={picture.url} alt={`Picture ${picture.name}`} />
          </button>
        )}
        <aside className="viewer-facts" aria-label={picture.film ? "About this video" : "About this picture"}>
          <div className="viewer-actions">
            <a className="button" href={picture.url} download={picture.name}>
              <Icon name="download" /> Download
            </a>
            {run !== null && (
              <button
                type="button"
                className="button"
                onClick={() => {
                  close();
                  void files.restoreRun(run);
                }}
              >
                <Icon name="restore" /> Restore settings
              </button>
            )}
          </div>
          <dl className="facts">
            <dt>File</dt>
            <dd>{picture.name}</dd>
            {picture.width > 0 && (
              <>
                <dt>Size</dt>
                <dd>
                  {picture.width} × {picture.height}
                </dd>
              </>
            )}
          </dl>
          {run !== null && <Recipe run={run} />}
          {pictures.length > 1 && (
            <div className="viewer-steps">
              <button type="button" className="button" disabled={at === 0} onClick={() => setAt(at - 1)}>
                Previous
              </button>
              <span>
                {at + 1} of {pictures.length}
              </span>
              <button
                type="button"
                className="button"
                disabled={at === pictures.length - 1}
                onClick={() => setAt(at + 1)}
              >
                Next
              </button>
            </div>
          )}
        </aside>
      </div>
    </Dialog>
  );
}

const TOLD = [
  "seed",
  "noise_seed",
  "steps",
  "cfg",
  "sampler_name",
  "scheduler",
  "denoise",
  "text",
  "ckpt_name",
  "width",
  "height",
];

/** The values that matter of the workflow a picture came from. */
function Recipe({ run }: { run: string }): JSX.Element | null {
  const { client } = useStudio();
  const ask = useCallback(async () => recipeOf(readJson(await client.runWorkflow(run))), [client, run]);
  const { answer } = useAnswer(ask);
  if (answer === null || answer.length === 0) return null;
  return (
    <dl className="facts" aria-label="Settings">
      {answer.map(([name, value], index) => (
        <div key={`${name} ${index}`}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function recipeOf(document: Json): readonly (readonly [string, string])[] {
  const nodes = isObject(document) ? entry(document, "nodes") : undefined;
  if (!isObject(nodes)) return [];
  const inputs = Object.values(nodes)
    .map((node) => (isObject(node) ? entry(node, "inputs") : undefined))
    .filter(isObject);
  return TOLD.flatMap((name) =>
    inputs.flatMap((each) => {
      const value = entry(each, name);
      return value === undefined || value === "" || value === null || typeof value === "object"
        ? []
        : [[name, String(value)] as const];
    }),
  );
}
