import { useMemo, type JSX } from "react";
import { addNode, freeNodeId, newNode } from "../model/edit";
import { search, searchIndex } from "../model/search";
import { selectionOf } from "../model/selection";
import { specsWith } from "../model/slots";
import { inputType, outputType } from "../model/sockets";
import { type NodeSpec, specTitle } from "../model/spec";
import { connectNew } from "../model/wiring";
import { useCatalog, useDocument, useSettings, useStudio } from "../ui/editor";
import { PickList } from "../ui/pick-list";
import { Popover } from "../ui/popover";
import type { Overlay } from "../ui/shell";

const MOST = 60;

/** Every node type, found by typing. With a wire in hand only those that fit, and the chosen one comes connected. */
export function NodePalette({ overlay }: { overlay: Extract<Overlay, { kind: "nodes" }> }): JSX.Element {
  const studio = useStudio();
  const { shell } = studio;
  const catalog = useCatalog((state) => state.specs);
  const workflow = useDocument((state) => state.workflow);
  const recent = useSettings((state) => state.recent);
  const specs = useMemo(() => specsWith(workflow, catalog), [workflow, catalog]);
  const index = useMemo(() => searchIndex(specs), [specs]);
  const { end } = overlay;
  const type = useDocument(({ graph }) =>
    end === null
      ? null
      : end.side === "output"
        ? outputType(graph, end.port, specs)
        : inputType(graph, end.port, specs),
  );
  const options = {
    recent,
    limit: MOST,
    takes: end?.side === "output" ? type : null,
    gives: end?.side === "input" ? type : null,
  };
  const label =
    type === null
      ? "Add a node"
      : end?.side === "output"
        ? `Nodes that take ${type}`
        : `Nodes that give ${type}`;
  const leave = (): void => {
    shell.close();
    shell.store.getState().viewport?.focusCanvas();
  };
  return (
    <Popover at={overlay.at} className="palette" onClose={() => shell.close()}>
      <PickList
        label={label}
        placeholder={type === null ? "Add a node…" : `${label}…`}
        find={(query) => search(index, query, options)}
        keyOf={(spec) => spec.type}
        draw={(spec) => <Choice spec={spec} />}
        onPick={(spec) => {
          insert(studio, spec, overlay, specs);
          leave();
        }}
        onClose={leave}
        empty="No node type matches."
      />
    </Popover>
  );
}

function Choice({ spec }: { spec: NodeSpec }): JSX.Element {
  return (
    <>
      <span className="palette-title">
        {specTitle(spec)}
        {spec.deprecated && <em>old</em>}
      </span>
      <small>{spec.category}</small>
    </>
  );
}

function insert(
  studio: ReturnType<typeof useStudio>,
  spec: NodeSpec,
  overlay: Extract<Overlay, { kind: "nodes" }>,
  specs: Parameters<typeof connectNew>[3],
): void {
  const { position, end } = overlay;
  studio.settings.used(spec.type);
  studio.document.apply(`add ${specTitle(spec)}`, (graph) => {
    const id = freeNodeId(graph, spec.type);
    const shift = end === null ? [40, 15] : end.side === "output" ? [0, 43] : [280, 43];
    const place = [
      Math.round(position.x - (shift[0] ?? 0)),
      Math.round(position.y - (shift[1] ?? 0)),
    ] as const;
    const node = newNode(spec, place, studio.catalog.store.getState().folders);
    const added = addNode(graph, id, node);
    return {
      graph: end === null ? added : connectNew(added, id, end, specs),
      selection: selectionOf({ nodes: new Set([id]) }),
    };
  });
  const [id] = studio.document.store.getState().selection.nodes;
  if (id !== undefined) studio.shell.set({ focused: id });
  studio.shell.say(`Added ${specTitle(spec)}.`);
}
