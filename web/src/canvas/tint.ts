import { TINTS } from "../model/colors";

/** A colour of the document as CSS: one of our names, or `#rrggbb`. Anything else is no colour. */
export function tintOf(color: string | null): string | undefined {
  if (color === null) return undefined;
  if (TINTS.some((tint) => tint === color)) return `var(--tint-${color})`;
  return /^#[0-9a-f]{3,8}$/i.test(color) ? color : undefined;
}
