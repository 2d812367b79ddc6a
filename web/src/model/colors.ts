/** How each type of socket looks: colour on dark and light, shape and tag. Never colour alone. */

export type SocketShape =
  | "circle"
  | "hexagon"
  | "square"
  | "triangle"
  | "diamond"
  | "rounded"
  | "frame"
  | "half"
  | "pentagon"
  | "octagon"
  | "ring";

export interface SocketStyle {
  readonly dark: string;
  readonly light: string;
  readonly shape: SocketShape;
  readonly tag: string;
}

/** The node bodies these colours were checked on. */
export const BODY = { dark: "#26282C", light: "#FFFFFF" } as const;

/** The types every picture passes through. Found by search: far apart in every kind of colour vision. */
export const CORE: ReadonlyMap<string, SocketStyle> = new Map([
  ["MODEL", { dark: "#D789F2", light: "#9E42FF", shape: "hexagon", tag: "MO" }],
  ["CLIP", { dark: "#FBF20C", light: "#A29604", shape: "square", tag: "CL" }],
  ["VAE", { dark: "#CE3C25", light: "#5E0906", shape: "triangle", tag: "VA" }],
  ["CONDITIONING", { dark: "#EF961E", light: "#82550A", shape: "diamond", tag: "CO" }],
  ["LATENT", { dark: "#B54A9D", light: "#F14BC5", shape: "rounded", tag: "LA" }],
  ["IMAGE", { dark: "#C4DEF7", light: "#11254E", shape: "frame", tag: "IM" }],
  ["MASK", { dark: "#81FF98", light: "#11A85D", shape: "half", tag: "MA" }],
  ["CONTROL_NET", { dark: "#5FB49F", light: "#096362", shape: "pentagon", tag: "CN" }],
]);

const PLAIN = { dark: "#C9CDD3", light: "#4A4F57" } as const;

const SIMPLE: ReadonlyMap<string, SocketStyle> = new Map([
  ["INT", { ...PLAIN, shape: "circle", tag: "1" }],
  ["FLOAT", { ...PLAIN, shape: "circle", tag: ".5" }],
  ["STRING", { ...PLAIN, shape: "circle", tag: "Aa" }],
  ["BOOLEAN", { ...PLAIN, shape: "circle", tag: "◐" }],
  ["COMBO", { ...PLAIN, shape: "circle", tag: "▾" }],
  ["*", { ...PLAIN, shape: "ring", tag: "*" }],
]);

/** For every other type: one of these, always the same for the same name. */
export const OTHERS: readonly (readonly [dark: string, light: string])[] = [
  ["#D46A47", "#D05B35"],
  ["#D7B654", "#6B5719"],
  ["#779322", "#6E8820"],
  ["#60D13B", "#2B6518"],
  ["#259D43", "#22933E"],
  ["#33CFA8", "#186552"],
  ["#2B93B6", "#2889A9"],
  ["#A6B7EA", "#2C50BC"],
  ["#9279E0", "#886CDD"],
  ["#D9A6EA", "#8B28AB"],
  ["#D858B8", "#D345B0"],
  ["#EAA6B7", "#A52746"],
];

/** The look of a wire type. A union looks like its first member, a pack's type has its own colour and letters. */
export function socketStyle(type: string): SocketStyle {
  const [first = "*"] = type.split(",");
  const known = CORE.get(first) ?? SIMPLE.get(first);
  if (known !== undefined) return known;
  const [dark, light] = OTHERS[hash(first) % OTHERS.length] ?? [PLAIN.dark, PLAIN.light];
  const name = first.slice(first.lastIndexOf(".") + 1);
  return { dark, light, shape: "octagon", tag: name.slice(0, 2).toUpperCase() };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const letter of text) value = Math.imul(value ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return value >>> 0;
}

/** The colours a node, group or note can be given by name; null in the document is the usual one. */
export const TINTS = ["red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "gray"] as const;
export type Tint = (typeof TINTS)[number];
