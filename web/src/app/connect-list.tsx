import { useMemo, type JSX } from "react";
import { connect } from "../model/edit";
import { specsWith } from "../model/slots";
import { type Candidate, inputsFor, outputsFor } from "../model/sockets";
import { spokenNames } from "../ui/names";
import { useCatalog, useDocument, useStudio } from "../ui/editor";
import { PickList } from "../ui/pick-list";
import { Popover } from "../ui/popover";
import type { Overlay } from "../ui/shell";

type Choice =
  { readonly kind: "port"; readonly candidate: Candidate; readonly name: string } | { readonly kind: "new" };

/** Everything a socket can be connected to, as a list: the way of the keyboard, and of a tap. */
export function ConnectList({ overlay }: { overlay: Extract<Overlay, { kind: "connect" }> }): JSX.Element {
  const { document, shell } = useStudio();
  const { end, at } = overlay;
  const catalog = useCatalog((state) => state.specs);
  const workflow = useDocument((state) => state.workflow);
  const graph = useDocument((state) => state.graph);
  const specs = useMemo(() => specsWith(workflow, catalog), [workflow, catalog]);
  const choices = useMemo((): readonly Choice[] => {
    const found =
      end.side === "output" ? inputsFor(graph, end.port, specs) : outputsFor(graph, end.port, specs);
    const names = spokenNames(graph, specs);
    return found.map((candidate) => ({
      kind: "port",
      candidate,
      name: names.get(candidate.port.node) ?? candidate.port.node,
    }));
  }, [graph, end, specs]);
  const find = (query: string): readonly Choice[] => {
    const words = query.toLowerCase().split(/\s+/);
    const fits = choices.filter(
      (choice) =>
        choice.kind === "port" &&
        words.every((word) => `${choice.name} ${choice.candidate.label}`.toLowerCase().includes(word)),
    );
    return [...fits, { kind: "new" }];
  };
  const pick = (choice: Choice): void => {
    shell.close();
    if (choice.kind === "new") {
      const node = graph.nodes.get(end.port.node);
      const x = (node?.position[0] ?? 0) + (end.side === "output" ? 360 : -80);
      shell.open({ kind: "nodes", at, position: { x, y: (node?.position[1] ?? 0) + 43 }, end });
      return;
    }
    const { port } = choice.candidate;
    const [from, to] = end.side === "output" ? [end.port, port] : [port, end.port];
    document.apply("connect", (now) => connect(now, from, to));
    shell.say(`Connected ${from.name} to ${to.name}.`);
  };
  return (
    <Popover at={at} className="palette" onClose={() => shell.close()}>
      <PickList
        label={`Connect ${end.port.name} to`}
        placeholder={`Connect ${end.port.name} to…`}
        find={find}
        keyOf={(choice) => (choice.kind === "new" ? "new" : JSON.stringify(choice.candidate.port))}
        draw={(choice) =>
          choice.kind === "new" ? (
            <span className="palette-title">New node…</span>
          ) : (
            <>
              <span className="palette-title">
                {choice.name}, {choice.candidate.label}
              </span>
              <small>{choice.candidate.free ? "free" : "in use"}</small>
            </>
          )
        }
        onPick={pick}
        onClose={() => shell.close()}
      />
    </Popover>
  );
}
