import type { JSX } from "react";

/** Outlines around (0, 0) within 7 px: a second sign beside the colour. */
const OUTLINES: Readonly<Record<string, string>> = {
  circle: "M-4.6 0a4.6 4.6 0 1 0 9.2 0 4.6 4.6 0 1 0-9.2 0Z",
  ring: "M-5.2 0a5.2 5.2 0 1 0 10.4 0 5.2 5.2 0 1 0-10.4 0Z",
  hexagon: "M0-6.6 5.7-3.3V3.3L0 6.6-5.7 3.3V-3.3Z",
  square: "M-5.3-5.3H5.3V5.3H-5.3Z",
  triangle: "M-4.6-6 6.3 0-4.6 6Z",
  diamond: "M0-7 7 0 0 7-7 0Z",
  rounded:
    "M-2.4-5.4H2.4A3 3 0 0 1 5.4-2.4V2.4A3 3 0 0 1 2.4 5.4H-2.4A3 3 0 0 1-5.4 2.4V-2.4A3 3 0 0 1-2.4-5.4Z",
  frame: "M-6.2-5H6.2V5H-6.2Z",
  half: "M-6.2-5H6.2V5H-6.2Z",
  pentagon: "M0-6.6 6.3-2 3.9 5.4H-3.9L-6.3-2Z",
  octagon: "M-2.6-6.2H2.6L6.2-2.6V2.6L2.6 6.2H-2.6L-6.2 2.6V-2.6Z",
};

interface ShapeProps {
  shape: string;
  hollow: boolean;
  dot: boolean;
  list: boolean;
  tag: string;
}

/** The picture of a socket: the shape says the type, filled says wired, a second outline says many. */
export function SocketShape({ shape, hollow, dot, list, tag }: ShapeProps): JSX.Element {
  const outline = OUTLINES[shape] ?? OUTLINES.circle;
  return (
    <svg width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true">
      {list && <path className="socket-again" d={outline} transform="scale(1.5)" />}
      <path className="socket-shape" d={outline} />
      {shape === "half" && <path className="socket-inside" d="M-6-4.8H0V4.8H-6Z" />}
      {shape === "half" && !hollow && <path className="socket-cut" d="M0.6-4.2H5.4V4.2H.6Z" />}
      {shape === "frame" && !hollow && (
        <path className="socket-cut" d="M-4-2.8H4V2.8H-4ZM-2.8-1.6V1.6H2.8V-1.6Z" fillRule="evenodd" />
      )}
      {dot && <circle className="socket-inside" r="1.8" />}
      {tag !== "" && (
        <text className="socket-tag" y="2.2">
          {tag}
        </text>
      )}
    </svg>
  );
}
