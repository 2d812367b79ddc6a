import type { JSX } from "react";
import { resultsOf } from "../state/runs";
import { useConnection, useDocument, useRuns, useSettings, useShell, useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import { seconds } from "../ui/words";
import { CommandButton } from "./command-button";
import { commandNamed } from "./commands";

/** Run, Stop, how far it is, and the view. It never moves and never hides. */
export function RunBar(): JSX.Element {
  const studio = useStudio();
  const zoom = useShell((state) => state.zoom);
  const minimap = useSettings((state) => state.minimap);
  return (
    <div className="run-bar" role="toolbar" aria-label="Run" data-region>
      <div className="run-group">
        <CommandButton id="zoom_out" />
        <button
          type="button"
          className="zoom-figure"
          aria-label={`Zoom ${Math.round(zoom * 100)} %, set to 100 %`}
          data-tip="Zoom to 100 %"
          data-keys="Alt+0"
          onClick={() => commandNamed("zoom_100").run(studio)}
        >
          {Math.round(zoom * 100)}%
        </button>
        <CommandButton id="zoom_in" />
        <CommandButton id="fit" />
        <CommandButton id="minimap" pressed={minimap} />
      </div>
      <span className="run-line" />
      <RunButtons />
    </div>
  );
}

function RunButtons(): JSX.Element {
  const studio = useStudio();
  const key = useDocument((state) => state.key);
  const empty = useDocument((state) => state.graph.nodes.size === 0);
  const sending = useRuns((state) => state.sending > 0);
  const running = useRuns((state) => state.running > 0);
  const starting = useConnection((state) => state.worker !== "ready");
  return (
    <div className="run-group">
      <Told document={key} />
      <button
        type="button"
        className="icon-button stop-button"
        aria-label="Stop"
        data-tip="Stop"
        data-keys="Ctrl+Alt+Enter"
        disabled={!running}
        onClick={() => commandNamed("stop").run(studio)}
      >
        <Icon name="stop" />
      </button>
      <button
        type="button"
        className="button run-button"
        data-primary
        aria-label="Run"
        aria-busy={sending}
        data-tip={empty ? "Add nodes first" : "Run the workflow"}
        data-keys="Ctrl+Enter"
        disabled={empty}
        onClick={() => commandNamed("run").run(studio)}
      >
        <Icon name="play" size={14} />
        {sending && starting ? "Waiting…" : "Run"}
      </button>
    </div>
  );
}

/** What the last run of this document does or did, in a place that keeps its size. */
function Told({ document }: { document: string }): JSX.Element {
  const results = useRuns((runs) => resultsOf(runs, document));
  const queued = useRuns((runs) => runs.queued);
  const { state, finished, total, seconds: took, problems } = results;
  const refused = state === null && problems.some((problem) => !problem.warning);
  const waiting = queued > 0 ? `${queued} queued` : "";
  if (state !== "running") {
    const words = {
      queued: "Waiting…",
      succeeded: `Done in ${seconds(took ?? 0)}`,
      failed: "Failed",
      cancelled: "Stopped",
    };
    const text = refused ? "Not run" : state === null ? "Not run yet" : words[state];
    return (
      <p className="run-told" data-bad={state === "failed" || refused || undefined} role="status">
        <span>{waiting === "" ? text : waiting}</span>
      </p>
    );
  }
  const steps = [...results.nodes.values()].map((status) =>
    status.kind === "running" && status.total > 0 ? status.done / status.total : 0,
  );
  const share = total === 0 ? 0 : Math.min(1, (finished + Math.max(0, ...steps)) / total);
  const percent = Math.round(share * 100);
  return (
    <div
      className="run-told"
      data-running=""
      role="progressbar"
      aria-label="Run progress"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <i style={{ inlineSize: `${share * 100}%` }} />
      <span>
        {percent}%{waiting !== "" && ` · ${waiting}`}
      </span>
    </div>
  );
}
