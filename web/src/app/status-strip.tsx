import type { JSX } from "react";
import { useCatalog, useConnection, useDocument, useRuns, useShell, useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import { useProblems } from "../ui/problems";
import { bytes, plural } from "../ui/words";

/** The foot of the window: what is wrong, what the engine does, what it runs on. */
export function StatusStrip(): JSX.Element {
  const { shell, connection } = useStudio();
  const problems = useProblems();
  const open = useShell((state) => state.problems);
  const nodes = useDocument((state) => state.graph.nodes.size);
  const state = useConnection((each) => each.state);
  const device = useConnection((each) => each.system?.device ?? null);
  const errors = problems.filter((problem) => !problem.warning).length;
  return (
    <footer className="status" data-region>
      <button
        type="button"
        className="status-button"
        aria-expanded={open}
        data-bad={errors > 0 || undefined}
        data-keys="Ctrl+`"
        onClick={() => shell.set({ problems: !open })}
      >
        <Icon name={problems.length === 0 ? "check" : "alert"} size={13} />
        {problems.length === 0 ? "No problems" : plural(problems.length, "problem")}
      </button>
      <span>{plural(nodes, "node")}</span>
      <span className="status-gap" />
      {device !== null && (
        <span>
          {device.name === "" ? device.kind : device.name}
          {device.precision !== "" && ` · ${device.precision}`}
          {device.total_bytes > 0 && ` · ${bytes(device.free_bytes)} of ${bytes(device.total_bytes)} free`}
        </span>
      )}
      <Engine />
      {state === "lost" && (
        <button type="button" className="status-button" onClick={() => connection.retry()}>
          Reconnect now
        </button>
      )}
    </footer>
  );
}

function Engine(): JSX.Element {
  const state = useConnection((each) => each.state);
  const worker = useConnection((each) => each.worker);
  const reason = useConnection((each) => each.reason);
  const nodes = useCatalog((catalog) => catalog.phase);
  const sending = useRuns((runs) => runs.sending > 0);
  const [tone, text] = ((): readonly [string, string] => {
    if (state === "connecting") return ["wait", "Connecting…"];
    if (state === "lost") return ["bad", "Connection lost. Your work is kept here; trying again…"];
    if (worker === "ready" && nodes === "ready") return ["good", "Ready"];
    if (worker === "ready" && nodes === "offline")
      return ["bad", "The nodes could not be read. Press R to try again."];
    if (worker === "ready") return ["wait", "Reading the nodes…"];
    if (worker === "failed") return ["bad", `The engine stopped${reason === "" ? "" : `: ${reason}`}`];
    const what = worker === "restarting" ? "Restarting the engine…" : "Starting the engine…";
    return ["wait", sending ? `${what} Your run follows.` : what];
  })();
  return (
    <span className="engine" data-tone={tone} role="status">
      <i aria-hidden="true" />
      {text}
    </span>
  );
}
