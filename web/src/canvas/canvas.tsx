import "@xyflow/react/dist/base.css";
import {
  Background,
  BackgroundVariant,
  MiniMap,
  ReactFlow,
  ReactFlowProvider,
  SelectionMode,
  type EdgeTypes,
  type NodeTypes,
} from "@xyflow/react";
import { useMemo, useState, type JSX } from "react";
import { GRID } from "../model/geometry";
import { useCatalog, useDocument, useSettings, useShell } from "../ui/editor";
import { FarView } from "./far-view";
import { createFlow } from "./flow";
import { GroupView } from "./group";
import { LinkView } from "./link";
import { NodeView } from "./node";
import { NoteView } from "./note";
import { CanvasContext, createCanvasModel, useCanvas, useCanvasModel, usePreviewed } from "./state";
import { useCanvasKeys } from "./use-canvas-keys";
import { useCulling } from "./use-culling";
import { useChanges } from "./use-changes";
import { useGestures } from "./use-gestures";
import { useViewport } from "./use-viewport";
import { WireInHand } from "./wire";

const NODE_TYPES: NodeTypes = { node: NodeView, group: GroupView, note: NoteView };
const EDGE_TYPES: EdgeTypes = { link: LinkView };
const GRID_STEP: [number, number] = [GRID, GRID];
const PAN_BUTTONS = [0, 1];
const ADD_KEYS = ["Control", "Meta", "Shift"];

/** The canvas: the graph in front of the person, and every gesture on it. */
export function Canvas(): JSX.Element {
  const [model] = useState(createCanvasModel);
  return (
    <CanvasContext value={model}>
      <ReactFlowProvider>
        <Surface />
      </ReactFlowProvider>
    </CanvasContext>
  );
}

function Surface(): JSX.Element {
  const model = useCanvasModel();
  const [flow] = useState(() => createFlow(model.figures));
  const graph = useDocument((state) => state.graph);
  const workflow = useDocument((state) => state.workflow);
  const selection = useDocument((state) => state.selection);
  const specs = model.specs(
    workflow,
    useCatalog((state) => state.specs),
  );
  const moved = useCanvas((state) => state.moved);
  const sized = useCanvas((state) => state.sized);
  const previewed = useCanvas((state) => state.previewed);
  const wiring = useCanvas((state) => state.wire !== null);
  const nodes = useMemo(
    () => flow.nodes(graph, specs, selection, { moved, sized, previewed }),
    [flow, graph, specs, selection, moved, sized, previewed],
  );
  const linksInView = useCanvas((state) => state.linksInView);
  const wires = useMemo(() => flow.wires(graph, selection.links), [flow, graph, selection.links]);
  const edges = useMemo(() => wires.filter((edge) => linksInView.has(edge.id)), [wires, linksInView]);
  const snap = useSettings((state) => state.snap);
  const trackpad = useSettings((state) => state.pointer === "trackpad");
  const minimap = useSettings((state) => state.minimap);
  const hand = useShell((state) => state.hand);
  usePreviewed();
  useCulling();
  const changes = useChanges();
  const gestures = useGestures();
  const keys = useCanvasKeys();
  const viewport = useViewport();
  const far = useCanvas((state) => state.far);
  return (
    <div className={`canvas${far ? " far" : ""}${wiring ? " wiring" : ""}`} data-region {...gestures.surface}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        aria-label="Workflow canvas"
        tabIndex={0}
        onKeyDown={keys}
        {...changes}
        {...gestures.flow}
        {...viewport}
        elevateNodesOnSelect={false}
        elevateEdgesOnSelect={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        disableKeyboardA11y
        deleteKeyCode={null}
        panActivationKeyCode={null}
        selectionKeyCode={hand ? null : ADD_KEYS}
        multiSelectionKeyCode={ADD_KEYS}
        selectionMode={SelectionMode.Partial}
        panOnDrag={trackpad && !hand ? [1] : PAN_BUTTONS}
        selectionOnDrag={trackpad && !hand}
        panOnScroll={trackpad}
        zoomOnDoubleClick={false}
        zoomActivationKeyCode={["Control", "Meta"]}
        nodeDragThreshold={4}
        snapToGrid={snap}
        snapGrid={GRID_STEP}
        minZoom={0.08}
        maxZoom={3}
        proOptions={{ hideAttribution: true }}
      >
        <Background variant={BackgroundVariant.Dots} gap={GRID * 2} size={1.4} />
        {minimap && (
          <MiniMap
            pannable
            zoomable
            ariaLabel="Minimap"
            nodeColor="var(--line-strong)"
            maskColor="var(--scrim)"
            nodeBorderRadius={8}
            style={{ width: 168, height: 112 }}
          />
        )}
        {far && <FarView />}
        <WireInHand />
      </ReactFlow>
    </div>
  );
}
