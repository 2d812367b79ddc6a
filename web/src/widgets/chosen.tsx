import type { JSX } from "react";
import { useDocument } from "../ui/editor";
import { NoPicture } from "./no-picture";
import { useFiles } from "./props";
import { useGone } from "./use-gone";

/** The picture a node takes from the results. */
export function Chosen({ node, name }: { node: string; name: string }): JSX.Element {
  const value = useDocument(({ graph }) => graph.nodes.get(node)?.inputs.get(name));
  const files = useFiles();
  const picture = typeof value === "string" && value !== "" ? files.pictureOf("output", value) : null;
  const [gone, onError] = useGone(picture);
  if (picture === null) return <NoPicture>Choose a result</NoPicture>;
  if (gone) return <NoPicture>This result is gone. Choose another.</NoPicture>;
  return (
    <figure className="node-picture picture-step">
      <img src={picture} alt="" decoding="async" draggable={false} onError={onError} />
    </figure>
  );
}
