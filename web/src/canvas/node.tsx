import { NodeResizeControl, type NodeProps } from "@xyflow/react";
import { memo, useEffect, useState, type CSSProperties, type HTMLAttributes, type JSX } from "react";
import { flushSync } from "react-dom";
import { LEAST_WIDTH } from "../model/geometry";
import { inputSlots } from "../model/slots";
import type { NodeStatus } from "../state/runs";
import { TabContext } from "../widgets/props";
import { useCatalog, useDocument, useShell, useStudio } from "../ui/editor";
import type { Figure } from "./anatomy";
import { NodeHead } from "./node-head";
import { NodeProblems } from "./node-problems";
import { NodeRow } from "./node-row";
import { Socket } from "./socket";
import { idOf } from "./flow";
import { useCanvas, useCanvasModel, useFigure } from "./state";
import { describeStatus, useNodeName, useNodeProblems, useStatus } from "./status";

/** One node. It draws itself from the document by its id; nothing of it passes through the library. */
export const NodeView = memo(function NodeView({ id: key, selected, dragging }: NodeProps): JSX.Element {
  const id = idOf(key);
  const away = useCanvas((canvas) => !canvas.inView.has(id) && canvas.under !== id);
  const focused = useShell((shell) => shell.focused === id);
  const status = useStatus(id);
  const busy = focused || dragging || status.kind === "running";
  return away && !busy ? (
    <NodeName id={id} selected={selected} status={status} />
  ) : (
    <NodeCard id={id} selected={selected} focused={focused} busy={busy} status={status} />
  );
});

interface NodePartProps {
  id: string;
  selected: boolean;
  status: NodeStatus;
}

/** What is said of a node by those who read the screen aloud. */
function useSpoken({ id, selected, status }: NodePartProps): HTMLAttributes<HTMLElement> {
  const name = useNodeName(id);
  const node = useDocument(({ graph }) => graph.nodes.get(id));
  const state = node?.state ?? "on";
  const facts = [
    selected ? "selected" : "",
    state === "on" ? "" : state,
    node?.pinned === true ? "pinned" : "",
    describeStatus(status),
  ];
  return {
    role: "group",
    "aria-label": name,
    "aria-roledescription": "node",
    "aria-description": facts.filter((fact) => fact !== "").join(", "),
  };
}

/** A node that is only drawn, or out of view: its name is there to be found and reached. */
function NodeName(props: NodePartProps): JSX.Element {
  return <div className="node-name" tabIndex={-1} data-node={props.id} {...useSpoken(props)} />;
}

interface NodeCardProps extends NodePartProps {
  focused: boolean;
  /** Somebody has to do with it right now. */
  busy: boolean;
}

function NodeCard({ focused, busy, ...part }: NodeCardProps): JSX.Element | null {
  const { id, selected, status } = part;
  const figure = useFigure(id);
  const state = useDocument(({ graph }) => graph.nodes.get(id)?.state ?? "on");
  const collapsed = useDocument(({ graph }) => graph.nodes.get(id)?.collapsed ?? false);
  const pinned = useDocument(({ graph }) => graph.nodes.get(id)?.pinned ?? false);
  const aimed = useCanvas((canvas) => canvas.aimNode === id);
  const open = useOpen(id, busy);
  const problems = useNodeProblems(id);
  const spoken = useSpoken(part);
  const known = useCatalog((catalog) => catalog.phase === "ready");
  if (figure === null) return null;
  const bad = status.kind === "failed" || problems.some((problem) => !problem.warning);
  return (
    <TabContext value={-1}>
      <div
        className="node"
        {...spoken}
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
        <Anchors figure={figure} />
        <NodeHead id={id} figure={figure} status={status} pinned={pinned} bad={bad} />
        {status.kind === "running" && <Progress done={status.done} total={status.total} />}
        {open &&
          (collapsed ? <CollapsedSockets id={id} figure={figure} /> : <NodeBody id={id} figure={figure} />)}
        {open && !collapsed && !pinned && (
          <NodeResizeControl
            className="node-resize"
            position="bottom-right"
            minWidth={LEAST_WIDTH}
            minHeight={figure.box.leastHeight}
          />
        )}
        <NodeProblems problems={problems} />
      </div>
    </TabContext>
  );
}

/** Contents that left the view stay for a while: whoever looks around comes back. */
const LINGER_MS = 1500;

/** Whether the contents are there. They come and go in turns, at once if somebody needs them, and stay when far. */
function useOpen(id: string, busy: boolean): boolean {
  const { turns } = useCanvasModel();
  const [open, setOpen] = useState(false);
  const wanted = useCanvas(({ inView, far }) => inView.has(id) || (far && open)) || busy;
  useEffect(() => {
    if (open === wanted) return undefined;
    const change = (): void => flushSync(() => setOpen(wanted));
    if (wanted) return turns.ask(change);
    const rest = window.setTimeout(() => turns.ask(change), LINGER_MS);
    return () => window.clearTimeout(rest);
  }, [open, wanted, turns]);
  return open || busy;
}

/** The library measures these as soon as the node is a box, whether its contents are there yet or not. */
const Anchors = memo(function Anchors({ figure }: { figure: Figure }): JSX.Element {
  return (
    <>
      {figure.box.handles.map(({ side, name, x, y }) => (
        <i
          key={`${side} ${name}`}
          className={`node-anchor ${side === "input" ? "target" : "source"}`}
          data-handleid={name}
          data-handlepos={side === "input" ? "left" : "right"}
          style={{ left: x, top: y }}
        />
      ))}
    </>
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
    <div className="node-waiting" style={{ top }} role="img" aria-label="Waiting for the engine">
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
