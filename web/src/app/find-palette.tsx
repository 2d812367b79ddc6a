import type { JSX } from "react";
import { findNodes } from "../model/search";
import { selectionOf } from "../model/selection";
import { nodeTitleIn } from "../ui/names";
import { useCatalog, useDocument, useStudio } from "../ui/editor";
import { Dialog } from "../ui/dialog";
import { PickList } from "../ui/pick-list";

/** A node of this graph by its name; it comes to the middle. */
export function FindPalette(): JSX.Element {
  const { document, shell } = useStudio();
  const graph = useDocument((state) => state.graph);
  const specs = useCatalog((state) => state.specs);
  return (
    <Dialog title="Find a node" bare className="palette-dialog" onClose={() => shell.close()}>
      <PickList
        label="Find a node"
        placeholder="Find a node in this graph…"
        find={(query) =>
          query.trim() === "" ? [...graph.nodes.keys()] : findNodes(graph.nodes, specs, query)
        }
        keyOf={(id) => id}
        draw={(id) => (
          <>
            <span className="palette-title">{nodeTitleIn(graph, id, specs)}</span>
            <small>{id}</small>
          </>
        )}
        onPick={(id) => {
          shell.close();
          document.select(selectionOf({ nodes: new Set([id]) }));
          window.setTimeout(() => shell.store.getState().viewport?.show(id), 0);
        }}
        onClose={() => shell.close()}
        empty="No node of this graph matches."
      />
    </Dialog>
  );
}
