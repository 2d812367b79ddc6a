import type { JSX } from "react";
import { useDocument } from "../ui/editor";
import { Icon } from "../ui/icon";
import { useFiles } from "./props";

/** The picture a node takes from the results. */
export function Chosen({ node, name }: { node: string; name: string }): JSX.Element {
  const value = useDocument(({ graph }) => graph.nodes.get(node)?.inputs.get(name));
  const files = useFiles();
  const picture = typeof value === "string" && value !== "" ? files.pictureOf("output", value) : null;
  if (picture === null) {
    return (
      <div className="node-picture picture-none">
        <Icon name="asset" size={20} />
        <span>Choose a result</span>
      </div>
    );
  }
  return (
    <figure className="node-picture picture-step">
      <img src={picture} alt="" decoding="async" draggable={false} />
    </figure>
  );
}
