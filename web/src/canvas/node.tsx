import { NodeResizeControl, type NodeProps } from "@xyflow/react";
import { memo, type CSSProperties, type JSX } from "react";
import { LEAST_WIDTH } from "../model/geometry";
import { inputSlots } from "../model/slots";
import { TabContext } from "../widgets/props";
import { useCatalog, useDocument, useShell, useStudio } from "../ui/editor";
import type { Figure } from "./anatomy";
import { NodeHead } from "./node-head";
import { NodeProblems } from "./node-problems";
import { NodeRow } from "./node-row";
import { Socket } from "./socket";
import { idOf } from "./flow";
import { useCanvas, useFigure } from "./state";
import { describeStatus, useNodeName, useNodeProblems, useStatus } from "./status";

/** One node. It draws itself from the document by its id; nothing of it passes through the library. */
export const NodeView = memo(function NodeView({ id: key, selected }: NodeProps): JSX.Element | null {
  const id = idOf(key);
  const figure = useFigure(id);
  const state = useDocument(({ graph }) => graph.nodes.get(id)?.state ?? "on");
  const collapsed = useDocument(({ graph }) => graph.nodes.get(id)?.collapsed ?? false);
  const pinned = useDocument(({ graph }) => graph.nodes.get(id)?.pinned ?? false);
  const focused = useShell((shell) => shell.focused === id);
  const aimed = useCanvas((canvas) => canvas.aimNode === id);
  const status = useStatus(id);
  const sketched = useCanvas((canvas) => canvas.far) && !focused && status.kind !== "running";
  const problems = useNodeProblems(id);
  const name = useNodeName(id);
  const known = useCatalog((catalog) => catalog.phase === "ready");
  if (figure === null) return null;
  const bad = status.kind === "failed" || problems.some((problem) => !problem.warning);
  const spoken = [
    name,
    selected ? "selected" : "",
    state === "on" ? "" : state,
    pinned ? "pinned" : "",
    describeStatus(status),
  ];
  return (
    <TabContext value={-1}>
      <div
        className="node"
        role="group"
        aria-label={name}
        aria-roledescription="node"
        aria-description={spoken
          .slice(1)
          .filter((part) => part !== "")
          .join(", ")}
        tabIndex={focused ? 0 : -1}
        data-node={id}
        data-selected={selected || undefined}
        data-collapsed={collapsed || undefined}
        data-state={state}
        data-missing={(figure.lost && known) || undefined}
        data-running={status.kind === "running" || undefined}
        data-queued={status.kind === "queued" || undefined}
        data-bad={bad || undefined}
        data-aim={aimed || undefined}
      >
        <NodeHead id={id} figure={figure} status={status} pinned={pinned} bad={bad} sketched={sketched} />
        {status.kind === "running" && <Progress done={status.done} total={status.total} />}
        {!sketched &&
          (collapsed ? <CollapsedSockets id={id} figure={figure} /> : <NodeBody id={id} figure={figure} />)}
        {!sketched && !collapsed && !pinned && (
          <NodeResizeControl
            className="node-resize"
            position="bottom-right"
            minWidth={LEAST_WIDTH}
            minHeight={figure.box.leastHeight}
          />
        )}
        {!sketched && <NodeProblems problems={problems} />}
      </div>
    </TabContext>
  );
});

function NodeBody({ id, figure }: { id: string; figure: Figure }): JSX.Element {
  const { rows, leastHeight } = figure.box;
  const known = useCatalog((catalog) => catalog.phase === "ready");
  return (
    <div className="node-body">
      {rows.map((row) => (
        <NodeRow key={`${row.kind} ${row.top}`} node={id} row={row} spec={figure.spec} />
      ))}
      {figure.lost && known && <Lost id={id} top={leastHeight - 78} />}
      {figure.lost && !known && <Waiting top={leastHeight - 78} />}
    </div>
  );
}

/** A collapsed node shows what is wired at its sides. */
function CollapsedSockets({ id, figure }: { id: string; figure: Figure }): JSX.Element {
  const { spec, wired } = figure;
  const { graph } = useStudio().document.store.getState();
  const node = graph.nodes.get(id);
  const slots =
    node === undefined ? [] : inputSlots(node, spec, wired).filter((slot) => wired.has(slot.name));
  return (
    <>
      {slots.map((slot) => (
        <Socket key={`in ${slot.name}`} node={id} side="input" slot={slot} />
      ))}
      {spec.outputs.map((output) => (
        <Socket key={`out ${output.name}`} node={id} side="output" output={output} />
      ))}
    </>
  );
}

/** A node whose type nobody here knows; below it stands what to do. */
function Lost({ id, top }: { id: string; top: number }): JSX.Element {
  const type = useDocument(({ graph }) => graph.nodes.get(id)?.type ?? "");
  const pack = useDocument(({ graph }) => graph.nodes.get(id)?.pack ?? "");
  return (
    <p className="node-lost" style={{ top }}>
      <code>{type}</code>
      {pack === "" ? " is not installed here." : ` of ${pack} is not installed here.`} Its values and links
      are kept.
    </p>
  );
}

/** What the node holds is not known until the engine has told its nodes, a few seconds after a first start. */
function Waiting({ top }: { top: number }): JSX.Element {
  return (
    <div className="node-waiting" style={{ top }} aria-busy="true" aria-label="Waiting for the engine">
      <span />
      <span />
    </div>
  );
}

/** `--done` runs from 0 to 1; before the first step the bar only shows that something happens. */
function Progress({ done, total }: { done: number; total: number }): JSX.Element {
  const style: CSSProperties & { "--done": number } = { "--done": total > 0 ? done / total : 0 };
  return (
    <div
      className="node-progress"
      data-unknown={total === 0 || undefined}
      style={style}
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={done}
    >
      <span />
    </div>
  );
}
