import { useMemo, useState, type JSX } from "react";
import { socketStyle } from "../model/colors";
import { addNode, freeNodeId, newNode } from "../model/edit";
import { search, searchIndex } from "../model/search";
import { selectionOf } from "../model/selection";
import { type NodeSpec, specTitle } from "../model/spec";
import { type Studio, useCatalog, useSettings, useShell, useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import { Nothing, Panel } from "./panel";

const DRAGGED_TYPE = "application/x-photogram-node";
const ALL = 2000;

/** Every node type, by category. Press to add one in the middle, or drag it to its place. */
export function NodesPanel(): JSX.Element {
  const specs = useCatalog((state) => state.specs);
  const phase = useCatalog((state) => state.phase);
  const broken = useCatalog((state) => state.broken);
  const recent = useSettings((state) => state.recent);
  const [query, setQuery] = useState("");
  const index = useMemo(() => searchIndex(specs), [specs]);
  const found = useMemo(
    () => search(index, query, { limit: ALL, ...(query === "" ? {} : { recent }) }),
    [index, query, recent],
  );
  const groups = useMemo(() => Map.groupBy(found, (spec) => spec.category.split("/")[0] ?? ""), [found]);
  return (
    <Panel name="nodes" title="Nodes">
      <div className="panel-search">
        <Icon name="search" size={14} />
        <input
          type="search"
          aria-label="Search nodes"
          placeholder={`Search ${specs.size} nodes`}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
      </div>
      <div className="panel-scroll">
        {phase !== "ready" && specs.size === 0 && (
          <Nothing>
            {phase === "offline"
              ? "The server does not answer."
              : "The engine is starting; its nodes appear here."}
          </Nothing>
        )}
        {specs.size > 0 && found.length === 0 && <Nothing>No node type matches.</Nothing>}
        {query === ""
          ? [...groups]
              .toSorted(
                ([one], [other]) => Number(isAside(one)) - Number(isAside(other)) || one.localeCompare(other),
              )
              .map(([category, members]) => <Category key={category} name={category} members={members} />)
          : found.map((spec) => <Item key={spec.type} spec={spec} />)}
        {broken.map((pack) => (
          <p key={pack.name} className="panel-problem">
            <b>{pack.name}</b> could not be loaded: {pack.reason}
          </p>
        ))}
      </div>
    </Panel>
  );
}

/** A category whose name begins with an underscore (`_for_testing`) is not what one looks for first. */
function isAside(category: string): boolean {
  return category.startsWith("_");
}

function Category({ name, members }: { name: string; members: readonly NodeSpec[] }): JSX.Element {
  const sorted = members.toSorted((one, other) => specTitle(one).localeCompare(specTitle(other)));
  return (
    <details
      className="category"
      open={!isAside(name) && !name.startsWith("advanced") && members.length < 30}
    >
      <summary>
        <Icon name="chevron_right" size={12} />
        {name === "" ? "other" : name.replaceAll("_", " ").trim()}
        <span>{members.length}</span>
      </summary>
      {sorted.map((spec) => (
        <Item key={spec.type} spec={spec} />
      ))}
    </details>
  );
}

function Item({ spec }: { spec: NodeSpec }): JSX.Element {
  const studio = useStudio();
  const theme = useShell((state) => (state.light ? "light" : "dark"));
  const types = spec.outputs.slice(0, 4);
  return (
    <button
      type="button"
      className="library-item"
      draggable
      data-tip={spec.description.split("\n")[0]}
      onClick={() => add(studio, spec)}
      onDragStart={(event) => {
        event.dataTransfer.setData(DRAGGED_TYPE, spec.type);
        event.dataTransfer.effectAllowed = "copy";
      }}
    >
      <span>{specTitle(spec)}</span>
      <span className="library-dots" aria-hidden="true">
        {types.map((output) => (
          <i key={output.name} style={{ background: socketStyle(output.type)[theme] }} />
        ))}
      </span>
    </button>
  );
}

/** Into the middle of what is seen, a step aside of the last one added. */
function add(studio: Studio, spec: NodeSpec): void {
  const viewport = studio.shell.store.getState().viewport;
  const box = document.querySelector(".canvas")?.getBoundingClientRect();
  const middle =
    box === undefined ? { x: 500, y: 300 } : { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  const { x, y } = viewport?.toFlow(middle) ?? middle;
  studio.settings.used(spec.type);
  studio.document.apply(`add ${specTitle(spec)}`, (graph) => {
    const id = freeNodeId(graph, spec.type);
    const taken = [...graph.nodes.values()].filter(
      (node) => Math.hypot(node.position[0] - x + 140, node.position[1] - y + 60) < 200,
    ).length;
    const position = [Math.round(x - 140 + taken * 30), Math.round(y - 60 + taken * 30)] as const;
    return {
      graph: addNode(graph, id, newNode(spec, position, studio.catalog.store.getState().folders)),
      selection: selectionOf({ nodes: new Set([id]) }),
    };
  });
}
