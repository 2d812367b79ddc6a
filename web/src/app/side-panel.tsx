import type { JSX } from "react";
import { AssetsPanel } from "../panels/assets";
import { ModelsPanel } from "../panels/models";
import { NodesPanel } from "../panels/library";
import { QueuePanel } from "../panels/queue";
import { WorkflowsPanel } from "../panels/workflows";
import { useShell } from "../ui/editor";
import type { PanelName } from "../ui/shell";

const PANELS: Readonly<Record<PanelName, () => JSX.Element>> = {
  nodes: NodesPanel,
  models: ModelsPanel,
  workflows: WorkflowsPanel,
  assets: AssetsPanel,
  queue: QueuePanel,
};

/** The open panel of the rail. */
export function SidePanel(): JSX.Element | null {
  const open = useShell((state) => state.panel);
  if (open === null) return null;
  const Panel = PANELS[open];
  return <Panel />;
}
