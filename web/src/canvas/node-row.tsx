import { memo, type JSX } from "react";
import type { Row } from "../model/geometry";
import type { NodeSpec } from "../model/spec";
import { Field } from "../widgets/field";
import { NodePicture, StepPicture } from "./node-picture";
import { Socket } from "./socket";

interface NodeRowProps {
  node: string;
  row: Row;
  spec: NodeSpec;
}

/** One strip of a node: sockets facing each other, a value with its socket, or a picture. */
export const NodeRow = memo(function NodeRow({ node, row, spec }: NodeRowProps): JSX.Element {
  const { kind, top, height, input, output } = row;
  const drags = kind === "sockets" ? "" : " nodrag";
  return (
    <div className={`node-row${drags}`} data-kind={kind} style={{ top, height }}>
      {input !== null && <Socket node={node} side="input" slot={input} />}
      {kind === "sockets" && input !== null && (
        <span className="node-port" data-spare={input.spare || undefined}>
          {input.label}
        </span>
      )}
      {kind === "sockets" && output !== null && (
        <>
          <span className="node-port" data-side="output">
            {output.title ?? output.name}
          </span>
          <Socket node={node} side="output" output={output} />
        </>
      )}
      {(kind === "widget" || kind === "tall") && input !== null && <Field node={node} slot={input} />}
      {kind === "picture" &&
        (spec.terminal ? <NodePicture id={node} /> : <StepPicture id={node} spec={spec} />)}
    </div>
  );
});
