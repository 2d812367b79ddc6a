import type { JSX } from "react";
import { resultsOf } from "../state/runs";
import { useConnection, useDocument, useRuns, useSettings, useShell, useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
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
  const queued = useRuns((state) => state.queued);
  const starting = useConnection((state) => state.worker !== "ready");
  return (
    <div className="run-group">
      <Progress document={key} />
      {queued > 0 && (
        <button type="button" className="button" data-quiet onClick={() => studio.shell.panel("queue")}>
          {queued} queued
        </button>
      )}
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

function Progress({ document }: { document: string }): JSX.Element | null {
  const state = useRuns((runs) => resultsOf(runs, document).state);
  const finished = useRuns((runs) => resultsOf(runs, document).finished);
  const total = useRuns((runs) => resultsOf(runs, document).total);
  const step = useRuns((runs) => {
    for (const status of resultsOf(runs, document).nodes.values()) {
      if (status.kind === "running" && status.total > 0) return status.done / status.total;
    }
    return 0;
  });
  if (state !== "running") return null;
  const share = total === 0 ? 0 : Math.min(1, (finished + step) / total);
  return (
    <div
      className="run-progress"
      role="progressbar"
      aria-label="Run progress"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
    >
      <span style={{ inlineSize: `${share * 100}%` }} />
      <b>{Math.round(share * 100)}%</b>
    </div>
  );
}
