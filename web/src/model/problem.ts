/** Faults, told to a person; the shape is the server's. */

import type { Problem } from "../api/types";

export type { Problem } from "../api/types";

export function problemOf(
  code: string,
  message: string,
  fields: Partial<Omit<Problem, "code" | "message">> = {},
): Problem {
  return { code, message, hint: "", node: null, input: null, warning: false, ...fields };
}
