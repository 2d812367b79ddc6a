import type { JSX } from "react";

/** Outlines on a 20 by 20 grid, drawn with one 1.5 px stroke in the text's colour. */
const PATHS = {
  add: "M10 4.5v11M4.5 10h11",
  alert: "M10 3.2 17.6 16.5H2.4ZM10 8.2v3.6M10 14.2v.1",
  arrow_left: "M15.5 10h-11M9 5.5 4.5 10 9 14.5",
  asset: "M3.5 4.5h13v11h-13ZM3.5 13l3.8-3.8 3 3 2.2-2.2 4 4M12.6 7.7v.1",
  camera: "M3 6h3.2l1.3-2h5l1.3 2H17v10H3ZM10 8a2.9 2.9 0 1 0 0 5.8A2.9 2.9 0 0 0 10 8Z",
  check: "M4.5 10.5 8.3 14.2 15.5 6.3",
  chevron_down: "M5.5 8 10 12.4 14.5 8",
  chevron_right: "M8 5.5 12.4 10 8 14.5",
  clock: "M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM10 6.5V10l2.4 1.6",
  close: "M5.3 5.3l9.4 9.4M14.7 5.3l-9.4 9.4",
  collapse: "M5.5 12 10 7.6 14.5 12",
  copy: "M7.5 7.5h8v8h-8ZM12.5 7.5v-3h-8v8h3",
  dice: "M4 4h12v12H4ZM7.2 7.2v.1M12.8 7.2v.1M10 10v.1M7.2 12.8v.1M12.8 12.8v.1",
  down: "M10 4v11M5.5 10.6 10 15.1l4.5-4.5",
  download: "M10 3.5v8.5M6.3 8.6 10 12.2l3.7-3.6M4 15.8h12",
  file: "M5.5 3.5h6l3.5 3.5v9.5h-9.5ZM11.5 3.5V7H15",
  fit: "M4 7.5V4h3.5M12.5 4H16v3.5M16 12.5V16h-3.5M7.5 16H4v-3.5",
  folder: "M3.5 5.5h4.6l1.6 2h6.8v8h-13Z",
  group: "M4 4.5h12v11H4ZM4 8h12",
  help: "M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM8 8.1a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4M10 13.6v.1",
  inspector: "M3.5 4.5h13v11h-13ZM12 4.5v11",
  link: "M8.5 11.5 11.5 8.5M9 6.4l1.8-1.8a3.2 3.2 0 0 1 4.6 4.6L13.6 11M11 13.6l-1.8 1.8a3.2 3.2 0 0 1-4.6-4.6L6.4 9",
  lock: "M5.5 9h9v7h-9ZM7.3 9V6.5a2.7 2.7 0 0 1 5.4 0V9",
  map: "M3.5 4.5h13v11h-13ZM6 7h3.5v3H6ZM11.5 10.5H14V13h-2.5Z",
  menu: "M4 6h12M4 10h12M4 14h12",
  minus: "M5 10h10",
  model: "M10 3 16 6.5v7L10 17l-6-3.5v-7ZM4 6.5l6 3.5 6-3.5M10 10v7",
  moon: "M16 11.7A6.6 6.6 0 0 1 8.3 4a6.5 6.5 0 1 0 7.7 7.7Z",
  more: "M5 10v.1M10 10v.1M15 10v.1",
  node: "M3.5 6h13v8.5h-13ZM3.5 8.8h13M3.5 12H2M18 12h-1.5",
  note: "M4.5 4h11v8l-3.5 3.5H4.5ZM15.5 12H12v3.5M7 7.5h6M7 10.3h3.5",
  off: "M6.2 6.2a5.4 5.4 0 1 0 7.6 0M10 3.5V10",
  open: "M3.5 15.5v-10h4.6l1.6 2h5.3V10M3.5 15.5l2.4-5.5h11.6l-2.4 5.5Z",
  palette: "M10 3.2c2.8 3.3 4.6 5.7 4.6 8.2a4.6 4.6 0 0 1-9.2 0C5.4 8.9 7.2 6.5 10 3.2Z",
  pin: "M7.3 3.5h5.4l-.8 5 2.6 2.6H5.5l2.6-2.6ZM10 11.1v5.4",
  play: "M6.5 4.3v11.4L15.7 10Z",
  queue: "M4 5.5h12M4 10h12M4 14.5h7.5",
  redo: "M15.5 8H8a4 4 0 0 0 0 8h3.5M12.2 4.6 15.6 8l-3.4 3.4",
  refresh: "M15.8 8.2A6.2 6.2 0 1 0 16 12M16 4.2v4h-4",
  restore: "M4.2 8.2A6.2 6.2 0 1 1 4 12M4 4.2v4h4M10 7v3.4l2.3 1.4",
  reused: "M10 3.5a6.5 6.5 0 1 0 0 13ZM10 3.5a6.5 6.5 0 0 1 0 13",
  save: "M4 4h9.3L16 6.7V16H4ZM7 4v4h5.5V4M7 16v-4.5h6V16",
  search: "M8.8 3.8a5 5 0 1 0 0 10 5 5 0 0 0 0-10ZM12.5 12.5l4 4",
  select: "M5 3.8 15.5 9l-4.6 1.5-1.6 4.7Z",
  skip: "M4 5v10l6-5ZM10 5v10l6-5Z",
  stop: "M5.5 5.5h9v9h-9Z",
  sun: "M10 6.7a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6ZM10 2.5v1.3M10 16.2v1.3M2.5 10h1.3M16.2 10h1.3M4.7 4.7l.9.9M14.4 14.4l.9.9M15.3 4.7l-.9.9M5.6 14.4l-.9.9",
  target:
    "M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM10 1.8v3M10 15.2v3M1.8 10h3M15.2 10h3",
  trash: "M4 5.8h12M8 5.8V4h4v1.8M5.6 5.8l.7 10.2h7.4l.7-10.2M8.6 8.8v4.4M11.4 8.8v4.4",
  undo: "M4.5 8H12a4 4 0 0 1 0 8H8.5M7.8 4.6 4.4 8l3.4 3.4",
  upload: "M10 12V3.6M6.3 7 10 3.4 13.7 7M4 12.5v3.3h12v-3.3",
  workflow: "M3.5 4h5v4h-5ZM11.5 12h5v4h-5ZM8.5 6h2.2a2 2 0 0 1 2 2v4",
} as const;

export type IconName = keyof typeof PATHS;

/** A small outline drawing. It never carries the meaning alone: the control around it has the label. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }): JSX.Element {
  const filled = name === "play" || name === "stop";
  return (
    <svg
      className="icon"
      data-filled={filled || undefined}
      width={size}
      height={size}
      viewBox="0 0 20 20"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
