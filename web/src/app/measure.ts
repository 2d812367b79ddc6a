import { around, boundsOf, boxOf } from "../model/geometry";
import type { Selection } from "../model/selection";
import { specsWith } from "../model/slots";
import { type Bounds, type Graph, type Size, linkedInputs } from "../model/workflow";
import type { Studio } from "../ui/editor";

/** The size of each node of the graph in front. */
export function sizesIn(studio: Studio): (id: string) => Size {
  const { graph, workflow } = studio.document.store.getState();
  const specs = specsWith(workflow, studio.catalog.store.getState().specs);
  return (id) => {
    const node = graph.nodes.get(id);
    if (node === undefined) return [0, 0];
    const { width, height } = boxOf(node, specs.get(node.type), linkedInputs(graph, id));
    return [width, height];
  };
}

/** The rectangles of everything selected. */
export function boundsIn(studio: Studio, selection: Selection): readonly Bounds[] {
  const { graph } = studio.document.store.getState();
  const sizeOf = sizesIn(studio);
  const nodes = [...selection.nodes].flatMap((id) => {
    const node = graph.nodes.get(id);
    return node === undefined ? [] : [boundsOf(node.position, sizeOf(id))];
  });
  const notes = graph.notes
    .filter((note) => selection.notes.has(note.id))
    .map((note) => boundsOf(note.position, note.size));
  const groups = graph.groups.filter((group) => selection.groups.has(group.id)).map((group) => group.bounds);
  return [...nodes, ...notes, ...groups];
}

const USUAL: Size = [280, 200];

/** About how much room a part of a graph takes. */
export function extent(graph: Graph): Size {
  const box = around([
    ...[...graph.nodes.values()].map((node) => boundsOf(node.position, node.size ?? USUAL)),
    ...graph.notes.map((note) => boundsOf(note.position, note.size)),
  ]);
  return box === null ? [0, 0] : [box[2], box[3]];
}
