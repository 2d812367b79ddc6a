import { BaseEdge, type EdgeProps } from "@xyflow/react";
import { memo, type JSX } from "react";
import { socketStyle } from "../model/colors";
import { useCatalog, useDocument, useShell } from "../ui/editor";
import { useCanvas, useCanvasModel } from "./state";
import { curve } from "./curve";
import { idOf } from "./flow";

/** A wire. Idle ones lie still; the one under the pointer stands out. */
export const LinkView = memo(function LinkView(props: EdgeProps): JSX.Element {
  const { id, source, sourceHandleId, target, sourceX, sourceY, targetX, targetY, selected } = props;
  const model = useCanvasModel();
  const catalog = useCatalog((state) => state.specs);
  const theme = useShell((state) => (state.light ? "light" : "dark"));
  const node = idOf(source);
  const type = useDocument(({ graph, workflow }) =>
    model.figures.outputType(graph, node, sourceHandleId ?? "", model.specs(workflow, catalog)),
  );
  const off = useDocument(
    ({ graph }) => graph.nodes.get(node)?.state === "off" || graph.nodes.get(idOf(target))?.state === "off",
  );
  const hovered = useCanvas((state) => state.hovered === id);
  const faded = useCanvas((state) => state.wire?.lifted === id);
  const aimed = useCanvas((state) => state.aimLink === id);
  const look = socketStyle(type);
  return (
    <g
      className="link"
      data-selected={selected === true ? "" : undefined}
      data-hovered={hovered ? "" : aimed ? "" : undefined}
      data-faded={faded ? "" : off ? "" : undefined}
      style={{ color: look[theme] }}
    >
      <BaseEdge path={curve(sourceX, sourceY, targetX, targetY)} interactionWidth={18} />
    </g>
  );
});
