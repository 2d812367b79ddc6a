import { type EdgeChange, type NodeChange, type OnNodeDrag, type ReactFlowProps } from "@xyflow/react";
import { useCallback, useMemo } from "react";
import { clipOf, paste } from "../model/clipboard";
import { changeGroup, changeNode, changeNote, move } from "../model/edit";
import { insideOf } from "../model/geometry";
import { type Selection, joined, selectionOf } from "../model/selection";
import { insertIntoLink } from "../model/wiring";
import { type Graph, type Size, linkKey } from "../model/workflow";
import { plural } from "../ui/words";
import { type Studio, useStudio } from "../ui/editor";
import type { Point } from "../ui/popover";
import { idOf, keyOf, kindOf } from "./flow";
import { linkUnder } from "./insert";
import { type CanvasModel, NO_POINTS, NO_SIZES, useCanvasModel } from "./state";

type Handlers = Pick<ReactFlowProps, "onNodesChange" | "onEdgesChange" | "onNodeDrag" | "onNodeDragStop">;

/** The library's changes as commands: selecting at once, moving and resizing as one step when the gesture ends. */
export function useChanges(): Handlers {
  const studio = useStudio();
  const model = useCanvasModel();
  const onNodesChange = useCallback(
    (changes: NodeChange[]): void => {
      selectNodes(studio, changes);
      moveNodes(studio, model, changes);
      resizeNodes(studio, model, changes);
    },
    [studio, model],
  );
  const onEdgesChange = useCallback(
    (changes: EdgeChange[]): void => {
      const { selection } = studio.document.store.getState();
      const links = new Set(selection.links);
      for (const change of changes) {
        if (change.type !== "select") continue;
        if (change.selected) links.add(change.id);
        else links.delete(change.id);
      }
      studio.document.select({ ...selection, links });
    },
    [studio],
  );
  return useMemo(() => {
    const drag: OnNodeDrag = (event, node, dragged) => {
      const link =
        event.altKey || dragged.length !== 1 ? null : linkUnder(studio, model, idOf(node.id), node.position);
      if (model.store.getState().aimLink !== link) model.store.setState({ aimLink: link });
    };
    const stop: OnNodeDrag = (event) => settleMove(studio, model, event.altKey);
    return { onNodesChange, onEdgesChange, onNodeDrag: drag, onNodeDragStop: stop };
  }, [studio, model, onNodesChange, onEdgesChange]);
}

function selectNodes(studio: Studio, changes: readonly NodeChange[]): void {
  const picked = changes.filter((change) => change.type === "select");
  if (picked.length === 0) return;
  const { selection } = studio.document.store.getState();
  const sets = {
    node: new Set(selection.nodes),
    group: new Set(selection.groups),
    note: new Set(selection.notes),
  };
  for (const change of picked) {
    const set = sets[kindOf(change.id)];
    if (change.selected) set.add(idOf(change.id));
    else set.delete(idOf(change.id));
  }
  studio.document.select({ ...selection, nodes: sets.node, groups: sets.group, notes: sets.note });
}

/** While a gesture lasts, what moves lies over the document; a group takes along what is in it. */
function moveNodes(studio: Studio, model: CanvasModel, changes: readonly NodeChange[]): void {
  const positions = changes.flatMap((change) =>
    change.type === "position" && change.position !== undefined && change.dragging === true
      ? [[change.id, change.position] as const]
      : [],
  );
  if (positions.length === 0) return;
  const { graph } = studio.document.store.getState();
  const moved = new Map(model.store.getState().moved);
  for (const [key, position] of positions) {
    moved.set(key, position);
    if (kindOf(key) !== "group") continue;
    const group = graph.groups.find((each) => each.id === idOf(key));
    if (group === undefined) continue;
    const shift = { x: position.x - group.bounds[0], y: position.y - group.bounds[1] };
    for (const [inside, at] of contents(graph, group.id, sizesOf(studio, model))) {
      moved.set(inside, { x: at.x + shift.x, y: at.y + shift.y });
    }
  }
  model.store.setState({ moved });
}

function sizesOf(studio: Studio, model: CanvasModel): (id: string) => Size {
  const { graph, workflow } = studio.document.store.getState();
  const specs = model.specs(workflow, studio.catalog.store.getState().specs);
  return (id) => {
    const box = model.figures.figure(graph, id, specs, model.store.getState().previewed.get(id))?.box;
    return box === undefined ? [280, 120] : [box.width, box.height];
  };
}

function contents(
  graph: Graph,
  id: string,
  sizeOf: (id: string) => Size,
): readonly (readonly [string, Point])[] {
  const group = graph.groups.find((each) => each.id === id);
  if (group === undefined) return [];
  const { nodes, notes } = insideOf(graph, group.bounds, sizeOf);
  const place = ([x, y]: readonly [number, number]): Point => ({ x, y });
  return [
    ...nodes.flatMap((node) => {
      const at = graph.nodes.get(node)?.position;
      return at === undefined ? [] : [[keyOf("node", node), place(at)] as const];
    }),
    ...notes.flatMap((note) => {
      const at = graph.notes.find((each) => each.id === note)?.position;
      return at === undefined ? [] : [[keyOf("note", note), place(at)] as const];
    }),
  ];
}

/** The end of a drag: the things move, go into a link, or (with Alt) stay while copies go there. */
function settleMove(studio: Studio, model: CanvasModel, copies: boolean): void {
  const { moved, aimLink } = model.store.getState();
  const [first] = moved;
  model.store.setState({ moved: NO_POINTS, aimLink: null });
  if (first === undefined) return;
  const { document, catalog } = studio;
  const { graph, workflow } = document.store.getState();
  const start = placeOf(graph, first[0]);
  const shift: readonly [number, number] = [
    Math.round(first[1].x - start.x),
    Math.round(first[1].y - start.y),
  ];
  const parts: Selection = [...moved.keys()].map(only).reduce(joined);
  if (copies) {
    const { path } = document.store.getState();
    const clip = clipOf(workflow, path, parts);
    const copy = paste(workflow, path, clip, { keepLinks: true, at: cornerOf(clip.graph, shift) });
    document.change(`duplicate ${plural(moved.size, "node")}`, () => copy.workflow);
    document.select(copy.selection);
    return;
  }
  const link = graph.links.find((each) => linkKey(each) === aimLink);
  const specs = model.specs(workflow, catalog.store.getState().specs);
  const id = idOf(first[0]);
  document.apply(link === undefined ? `move ${plural(moved.size, "node")}` : "insert into a link", (now) => {
    const placed = move(now, parts, shift);
    return link === undefined ? placed : insertIntoLink(placed, id, link, specs);
  });
}

/** The upper left corner of what a clip holds, moved. */
function cornerOf(graph: Graph, [dx, dy]: readonly [number, number]): readonly [number, number] {
  const corners = [
    ...[...graph.nodes.values()].map((node) => node.position),
    ...graph.notes.map((note) => note.position),
    ...graph.groups.map(({ bounds }) => bounds),
  ];
  return [Math.min(...corners.map(([x]) => x)) + dx, Math.min(...corners.map((corner) => corner[1])) + dy];
}

function only(key: string): Selection {
  const ids = new Set([idOf(key)]);
  const kind = kindOf(key);
  return selectionOf(kind === "node" ? { nodes: ids } : kind === "group" ? { groups: ids } : { notes: ids });
}

function placeOf(graph: Graph, key: string): Point {
  const id = idOf(key);
  const group = graph.groups.find((each) => each.id === id)?.bounds;
  const note = graph.notes.find((each) => each.id === id)?.position;
  const kind = kindOf(key);
  const [x = 0, y = 0] =
    (kind === "node" ? graph.nodes.get(id)?.position : kind === "group" ? group : note) ?? [];
  return { x, y };
}

function resizeNodes(studio: Studio, model: CanvasModel, changes: readonly NodeChange[]): void {
  for (const change of changes) {
    if (change.type !== "dimensions" || change.resizing === undefined) continue;
    const before = model.store.getState().sized;
    const size: Size | undefined =
      change.dimensions === undefined
        ? before.get(change.id)
        : [Math.round(change.dimensions.width), Math.round(change.dimensions.height)];
    if (size === undefined) continue;
    if (change.resizing) {
      model.store.setState({ sized: new Map(before).set(change.id, size) });
      continue;
    }
    model.store.setState({ sized: NO_SIZES });
    studio.document.apply("resize", (graph) => resized(graph, change.id, size));
  }
}

function resized(graph: Graph, key: string, size: Size): Graph {
  const id = idOf(key);
  if (kindOf(key) === "node") return changeNode(graph, id, (node) => ({ ...node, size }));
  if (kindOf(key) === "note") return changeNote(graph, id, { size });
  const group = graph.groups.find((each) => each.id === id);
  return group === undefined
    ? graph
    : changeGroup(graph, id, { bounds: [group.bounds[0], group.bounds[1], size[0], size[1]] });
}
