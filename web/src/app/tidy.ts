import { changeGroup, place } from "../model/edit";
import { type LayoutPlan, type LayoutTask, layoutTask } from "../model/layout";
import type { Studio } from "../ui/editor";
import { sizesIn } from "./measure";

/** Lay out what is selected, or everything, as one step. */
export async function tidy(studio: Studio): Promise<void> {
  const { document, notices, shell } = studio;
  const { graph, selection, key } = document.store.getState();
  const ids = selection.nodes.size > 1 ? selection.nodes : new Set(graph.nodes.keys());
  const task = layoutTask(graph, ids, sizesIn(studio));
  if (task === null) {
    notices.info("Nothing to tidy up: it takes two nodes that are not pinned.");
    return;
  }
  const { nodes, groups } = await planned(task);
  if (document.store.getState().key !== key) return;
  document.apply("tidy up", (now) =>
    [...groups].reduce((result, [id, bounds]) => changeGroup(result, id, { bounds }), place(now, nodes)),
  );
  shell.store.getState().viewport?.fit();
}

function planned(task: LayoutTask): Promise<LayoutPlan> {
  const worker = new Worker(new URL("./layout-worker.ts", import.meta.url), { type: "module" });
  return new Promise<LayoutPlan>((resolve, reject) => {
    worker.addEventListener("message", ({ data }: MessageEvent<LayoutPlan>) => resolve(data));
    worker.addEventListener("error", (event) => reject(new Error(event.message)));
    worker.postMessage(task);
  }).finally(() => worker.terminate());
}
