import { useMemo } from "react";
import { setSeedMode, setValue } from "../model/edit";
import { nextSeed, seedMode } from "../model/seeds";
import { defaultOf } from "../model/slots";
import type { Input } from "../model/spec";
import type { Port } from "../model/workflow";
import { useDocument, useStudio } from "../ui/editor";
import type { SeedChoice } from "./props";

/** How a seed input moves on, and the ways to change that; undefined for inputs that are no seeds. */
export function useSeed(port: Port, input: Input): SeedChoice | undefined {
  const { document } = useStudio();
  const isSeed = input.widget?.kind === "seed";
  const mode = useDocument(({ graph }) => {
    const node = graph.nodes.get(port.node);
    return node === undefined ? "fixed" : seedMode(node, port.name);
  });
  return useMemo(() => {
    if (!isSeed) return undefined;
    return {
      mode,
      onMode: (next) =>
        document.apply("change the seed's mode", (graph) => setSeedMode(graph, port.node, port.name, next)),
      onRoll: () => {
        const present =
          document.store.getState().graph.nodes.get(port.node)?.inputs.get(port.name) ?? defaultOf(input);
        const rolled = nextSeed(
          present,
          "random",
          input,
          () => crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n,
        );
        document.apply("roll a seed", (graph) => setValue(graph, port.node, port.name, rolled));
      },
    };
  }, [isSeed, mode, document, port, input]);
}
