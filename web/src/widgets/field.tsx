import { memo, useCallback, useMemo, type JSX } from "react";
import type { Json } from "../model/json";
import { runId } from "../model/path";
import { type InputSlot, defaultOf } from "../model/slots";
import { setValue } from "../model/edit";
import { linkInto, type Port } from "../model/workflow";
import { useDocument, useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import { useProblemsOf } from "../ui/problems";
import type { Moment } from "./props";
import { widgetFor } from "./registry";
import { useSeed } from "./use-seed";

interface FieldProps {
  node: string;
  slot: InputSlot;
}

/** The widget of one input of one node, bound to the document. It hears of its own value only. */
export const Field = memo(function Field({ node, slot }: FieldProps): JSX.Element | null {
  const { input, name, label } = slot;
  const port = useMemo<Port>(() => ({ node, name }), [node, name]);
  const { document } = useStudio();
  const value = useDocument(({ graph }) => graph.nodes.get(node)?.inputs.get(name) ?? defaultOf(input));
  const source = useDocument(({ graph }) => linkInto(graph, port)?.from.node ?? null);
  const problem = useInputProblem(port);
  const seed = useSeed(port, input);
  const onChange = useCallback(
    (next: Json, moment: Moment) => {
      document.apply(`change ${label}`, (graph) => setValue(graph, port.node, port.name, next), {
        merge: `value ${JSON.stringify([port.node, port.name])}`,
      });
      if (moment === "done") document.settle();
    },
    [document, label, port],
  );
  if (source !== null) return <Wired label={label} source={source} />;
  const Widget = widgetFor(input);
  if (Widget === null) return null;
  return (
    <Widget
      label={name}
      input={input}
      port={port}
      value={value}
      onChange={onChange}
      problem={problem}
      seed={seed}
    />
  );
});

function useInputProblem(port: Port): string | undefined {
  const id = useDocument((state) => runId(state.path, port.node));
  return useProblemsOf(id).find((problem) => problem.input === port.name && !problem.warning)?.message;
}

/** In place of a widget whose value comes over a wire. */
function Wired({ label, source }: { label: string; source: string }): JSX.Element {
  const title = useDocument(
    ({ graph }) => graph.nodes.get(source)?.title ?? graph.nodes.get(source)?.type ?? "",
  );
  return (
    <div className="field node-wired">
      <span className="field-label">{label}</span>
      <span className="field-value">{title}</span>
      <Icon name="link" size={12} />
    </div>
  );
}
