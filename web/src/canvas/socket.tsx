import { memo, type JSX } from "react";
import { socketStyle } from "../model/colors";
import type { InputSlot } from "../model/slots";
import type { Output } from "../model/spec";
import { portKey } from "../model/workflow";
import { useDocument, useSettings, useShell, useStudio } from "../ui/editor";
import { SocketShape } from "./shapes";
import { useCanvas, useCanvasModel } from "./state";
import { useNodeName, useNodeProblems } from "./status";
import { useWireDrag } from "./use-wire-drag";

type SocketProps =
  | { node: string; side: "input"; slot: InputSlot; output?: never }
  | { node: string; side: "output"; output: Output; slot?: never };

/** One end of possible wires. It can be dragged, and pressed to choose the other end from a list. */
export const Socket = memo(function Socket({ node, side, slot, output }: SocketProps): JSX.Element {
  const { shell } = useStudio();
  const { figures } = useCanvasModel();
  const theme = useShell((state) => (state.light ? "light" : "dark"));
  const name = side === "input" ? slot.name : output.name;
  const type = side === "input" ? slot.input.type : output.type;
  const title = useNodeName(node);
  const wired = useDocument(({ graph }) => {
    const wires = figures.wires(graph);
    return side === "input"
      ? wires.into.get(node)?.has(name) === true
      : wires.outOf.get(node)?.has(name) === true;
  });
  const key = `${side} ${portKey({ node, name })}`;
  const fits = useCanvas(({ wire }) => (wire === null ? undefined : wire.fits.has(key) ? "yes" : "no"));
  const aimed = useCanvas(({ aim }) => aim !== null && aim.node === node && aim.name === name);
  const tags = useSettings((state) => state.showTags);
  const close = useShell(({ zoom }) => zoom >= 1);
  const missing = useNodeProblems(node).some(
    (problem) => problem.input === name && problem.code === "missing_input",
  );
  const look = socketStyle(type);
  const required = side === "input" && !slot.input.optional && slot.input.widget === null && !wired;
  const drag = useWireDrag({ port: { node, name }, side });
  const spoken =
    side === "input" ? `input ${name} of ${title}` : `output ${output.title ?? output.name} of ${title}`;
  const list = side === "input" ? slot.input.takes_list : output.gives_list;
  return (
    <button
      type="button"
      className="socket nodrag nopan"
      style={{ color: look[theme] }}
      aria-label={spoken}
      aria-description={wired ? "connected" : undefined}
      data-side={side}
      data-port={key}
      data-wired={wired || undefined}
      data-hollow={(!wired && side === "input") || undefined}
      data-list={list || undefined}
      data-missing={missing || undefined}
      data-fits={fits}
      data-aim={aimed || undefined}
      data-tip={`${type === "*" ? "any type" : type}${side === "input" && slot.input.tooltip !== "" ? ` · ${slot.input.tooltip}` : ""}`}
      tabIndex={-1}
      onPointerDown={drag}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== "c") return;
        event.preventDefault();
        event.stopPropagation();
        const box = event.currentTarget.getBoundingClientRect();
        shell.open({
          kind: "connect",
          at: { x: box.right, y: box.bottom },
          end: { port: { node, name }, side },
        });
      }}
    >
      <SocketShape
        shape={look.shape}
        hollow={!wired && side === "input"}
        dot={required}
        list={list}
        tag={tags && close ? look.tag : ""}
      />
    </button>
  );
});
