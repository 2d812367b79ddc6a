import { useMemo, type JSX } from "react";
import { rename, setState } from "../model/edit";
import { tallOf } from "../model/geometry";
import { slotsIn, specsWith } from "../model/slots";
import type { NodeSpec } from "../model/spec";
import type { NodeState } from "../model/workflow";
import { Markdown } from "../ui/markdown";
import { nodeTitle } from "../ui/names";
import { useCatalog, useDocument, useStudio } from "../ui/editor";
import { plural } from "../ui/words";
import { Field } from "../widgets/field";
import { PanelHead } from "./panel";

const STATES: readonly { state: NodeState; label: string }[] = [
  { state: "on", label: "On" },
  { state: "skipped", label: "Skip" },
  { state: "off", label: "Off" },
];

/** The selected node in full: every value, also the advanced ones, what it is for, and its state. */
export function Inspector(): JSX.Element {
  const { settings } = useStudio();
  const selected = useDocument((state) => state.selection.nodes);
  const [first] = selected;
  return (
    <aside className="panel inspector" aria-label="Inspector" data-region>
      <PanelHead title="Inspector" onClose={() => settings.set({ inspector: false })} />
      <div className="panel-scroll">
        {selected.size === 1 && first !== undefined ? (
          <OneNode key={first} id={first} />
        ) : (
          <Overview count={selected.size} />
        )}
      </div>
    </aside>
  );
}

function OneNode({ id }: { id: string }): JSX.Element | null {
  const { document } = useStudio();
  const catalog = useCatalog((state) => state.specs);
  const workflow = useDocument((state) => state.workflow);
  const graph = useDocument((state) => state.graph);
  const specs = useMemo(() => specsWith(workflow, catalog), [workflow, catalog]);
  const node = graph.nodes.get(id);
  if (node === undefined) return null;
  const spec = specs.get(node.type);
  const slots = slotsIn(graph, id, specs).filter((slot) => slot.input.widget !== null);
  return (
    <>
      <label className="form-field">
        Title
        <input
          type="text"
          value={node.title ?? ""}
          placeholder={nodeTitle({ ...node, title: null }, spec)}
          onChange={(event) =>
            document.apply("rename", (now) => rename(now, id, event.target.value), { merge: `title ${id}` })
          }
          onBlur={() => document.settle()}
        />
      </label>
      <div className="segments" role="radiogroup" aria-label="State">
        {STATES.map(({ state, label }) => (
          <button
            key={state}
            type="button"
            role="radio"
            aria-checked={node.state === state}
            onClick={() => document.apply(`set to ${label}`, (now) => setState(now, [id], state))}
          >
            {label}
          </button>
        ))}
      </div>
      {slots.length > 0 && <h3 className="panel-title">Values</h3>}
      <div className="inspector-fields">
        {slots.map((slot) => (
          <div key={slot.name} data-tall={tallOf(slot.input) > 0 || undefined}>
            <Field node={id} slot={slot} />
            {slot.input.tooltip !== "" && <p>{slot.input.tooltip}</p>}
          </div>
        ))}
      </div>
      <About spec={spec} id={id} />
    </>
  );
}

function About({ spec, id }: { spec: NodeSpec | undefined; id: string }): JSX.Element {
  return (
    <>
      <h3 className="panel-title">About this node</h3>
      {spec !== undefined && spec.description !== "" && <Markdown text={spec.description} />}
      <dl className="facts">
        <dt>Id</dt>
        <dd>{id}</dd>
        {spec !== undefined && (
          <>
            <dt>Type</dt>
            <dd>{spec.type}</dd>
            <dt>Category</dt>
            <dd>{spec.category}</dd>
            {spec.pack !== "" && (
              <>
                <dt>Pack</dt>
                <dd>{spec.pack}</dd>
              </>
            )}
          </>
        )}
      </dl>
    </>
  );
}

function Overview({ count }: { count: number }): JSX.Element {
  const graph = useDocument((state) => state.graph);
  const specs = useCatalog((state) => state.specs);
  const { document, shell } = useStudio();
  if (count > 1) return <p className="panel-nothing">{plural(count, "node")} selected.</p>;
  const order = [...graph.nodes].toSorted(
    ([, one], [, other]) => one.position[0] - other.position[0] || one.position[1] - other.position[1],
  );
  return (
    <>
      <p className="panel-hint">Select a node to see all of its values. This workflow, from left to right:</p>
      <ul className="outline" aria-label="Outline">
        {order.map(([id, node]) => (
          <li key={id}>
            <button
              type="button"
              onClick={() => {
                document.select({
                  nodes: new Set([id]),
                  links: new Set(),
                  groups: new Set(),
                  notes: new Set(),
                });
                shell.store.getState().viewport?.show(id);
              }}
            >
              {nodeTitle(node, specs.get(node.type))}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
