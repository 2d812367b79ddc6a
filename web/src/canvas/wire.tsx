import { ViewportPortal } from "@xyflow/react";
import type { JSX } from "react";
import { socketStyle } from "../model/colors";
import { useShell } from "../ui/editor";
import { curve } from "./curve";
import { useCanvas } from "./state";

/** The wire in hand, from its first pixel in its own colour, with the name of what it would connect to. */
export function WireInHand(): JSX.Element | null {
  const wire = useCanvas((state) => state.wire);
  const aim = useCanvas((state) => state.aim);
  const theme = useShell((state) => (state.light ? "light" : "dark"));
  if (wire === null) return null;
  const { origin, tip, end } = wire;
  const path =
    end.side === "output" ? curve(origin.x, origin.y, tip.x, tip.y) : curve(tip.x, tip.y, origin.x, origin.y);
  return (
    <ViewportPortal>
      <svg className="wire" style={{ color: socketStyle(wire.type)[theme] }} aria-hidden="true">
        <path d={path} />
        <circle cx={tip.x} cy={tip.y} r={4} />
      </svg>
      {aim !== null && (
        <span className="wire-name" style={{ left: tip.x, top: tip.y }}>
          {aim.name}
        </span>
      )}
    </ViewportPortal>
  );
}
