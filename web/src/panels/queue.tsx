import type { JSX } from "react";
import type { Run } from "../api/types";
import { isPictured } from "../state/results";
import { resultsOf } from "../state/runs";
import { useDocument, useRuns, useStudio } from "../ui/editor";
import { Icon, type IconName } from "../ui/icon";
import { picturesOf } from "../ui/pictures";
import { ago, seconds } from "../ui/words";
import { Nothing, Panel } from "./panel";

const ICONS: Readonly<Record<Run["state"], IconName>> = {
  queued: "clock",
  running: "play",
  succeeded: "check",
  failed: "alert",
  cancelled: "stop",
};

/** What runs, what waits, and what ran lately. */
export function QueuePanel(): JSX.Element {
  const { submit, runs } = useStudio();
  const list = useRuns((state) => state.list);
  const next = useRuns((state) => state.next);
  const open = list.filter((run) => run.state === "running" || run.state === "queued");
  const over = list.filter((run) => run.state !== "running" && run.state !== "queued");
  const waiting = open.filter((run) => run.state === "queued").length;
  return (
    <Panel name="queue" title="Queue">
      <div className="panel-scroll">
        <h3 className="panel-title">
          Now
          {waiting > 0 && (
            <button type="button" className="panel-action" onClick={() => void submit.cancelQueued()}>
              Cancel all that wait
            </button>
          )}
        </h3>
        {open.length === 0 && <p className="panel-hint">Nothing runs or waits.</p>}
        {[...open].reverse().map((run) => (
          <RunRow key={run.id} run={run} />
        ))}
        <h3 className="panel-title">Recent</h3>
        {over.length === 0 && <Nothing>Runs that ended appear here.</Nothing>}
        {over.map((run) => (
          <RunRow key={run.id} run={run} />
        ))}
        {next !== null && (
          <button type="button" className="button panel-more" onClick={() => void runs.more()}>
            Show older
          </button>
        )}
      </div>
    </Panel>
  );
}

function RunRow({ run }: { run: Run }): JSX.Element {
  const { submit, files } = useStudio();
  const live = run.state === "queued" || run.state === "running";
  const title = run.title === "" ? "Untitled" : run.title;
  return (
    <article className="run" aria-label={`${title}, ${run.state}`} data-state={run.state}>
      <Thumbnail run={run} />
      <div className="run-text">
        <b>{title}</b>
        <small>
          <Icon name={ICONS[run.state]} size={12} />
          {told(run)}
        </small>
        {run.state === "failed" && run.problems[0] !== undefined && (
          <small className="run-problem">{run.problems[0].message}</small>
        )}
        {run.state === "running" && <Share run={run} />}
      </div>
      {live ? (
        <button
          type="button"
          className="icon-button"
          data-small
          aria-label={`Cancel ${title}`}
          data-tip="Cancel"
          onClick={() => void submit.cancel(run.id)}
        >
          <Icon name="close" size={14} />
        </button>
      ) : (
        <button
          type="button"
          className="icon-button"
          data-small
          aria-label={`Load this workflow: ${title}`}
          data-tip="Load this workflow"
          onClick={() => void files.openRun(run.id)}
        >
          <Icon name="restore" size={14} />
        </button>
      )}
    </article>
  );
}

function told(run: Run): string {
  const now = Date.now() / 1000;
  if (run.state === "queued")
    return run.position === null || run.position === 0 ? "next" : `${run.position} before it`;
  if (run.state === "running") return `running for ${seconds(Math.max(0, now - (run.started ?? now)))}`;
  const took =
    run.started === null || run.finished === null ? "" : `${seconds(run.finished - run.started)} · `;
  return `${run.state === "succeeded" ? "" : `${run.state} · `}${took}${ago(run.finished ?? run.created, now)}`;
}

function Share({ run }: { run: Run }): JSX.Element | null {
  const key = useDocument((state) => state.key);
  const share = useRuns((state) => {
    const results = resultsOf(state, key);
    return results.run === run.id && results.total > 0 ? results.finished / results.total : null;
  });
  if (share === null) return null;
  return (
    <span className="run-share">
      <i style={{ inlineSize: `${share * 100}%` }} />
    </span>
  );
}

function Thumbnail({ run }: { run: Run }): JSX.Element {
  const { client, shell } = useStudio();
  const images = run.outputs.flatMap((output) => output.items).filter(isPictured);
  const [first] = images;
  if (first === undefined) {
    return (
      <span className="run-picture">
        <Icon name={ICONS[run.state]} />
      </span>
    );
  }
  return (
    <button
      type="button"
      className="run-picture"
      aria-label={`Open ${first.name}`}
      onClick={() => shell.open({ kind: "viewer", pictures: picturesOf(client, images, run.id), index: 0 })}
    >
      <img src={client.fileUrl(first.folder, first.name, 256)} alt="" loading="lazy" decoding="async" />
    </button>
  );
}
