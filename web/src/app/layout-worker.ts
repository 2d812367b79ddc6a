/** Lays a graph out on a thread of its own, so that the page goes on meanwhile. */

import { plan } from "../model/layered";
import type { LayoutTask } from "../model/layout";

globalThis.addEventListener("message", ({ data }: MessageEvent<LayoutTask>) =>
  globalThis.postMessage(plan(data)),
);
