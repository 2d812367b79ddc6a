import { useEffect, useMemo, type JSX } from "react";
import "../ui/button.css";
import "../ui/dialog.css";
import "../ui/film.css";
import "../ui/form.css";
import "../ui/markdown.css";
import "../ui/pick-list.css";
import "../ui/popover.css";
import "../ui/toast.css";
import "../ui/tooltip.css";
import "../canvas/canvas.css";
import "../canvas/node.css";
import "../canvas/node-state.css";
import "../canvas/picture.css";
import "../canvas/socket.css";
import "../canvas/far.css";
import "../widgets/field.css";
import "../widgets/number.css";
import "../widgets/text.css";
import "../widgets/toggle.css";
import "../widgets/choice.css";
import "../widgets/seed.css";
import "../widgets/color.css";
import "../widgets/upload.css";
import "../widgets/webcam.css";
import "../panels/panel.css";
import "../panels/library.css";
import "../panels/workflows.css";
import "../panels/assets.css";
import "../panels/queue.css";
import "../panels/problems.css";
import "../panels/inspector.css";
import "../panels/viewer.css";
import "./app.css";
import "./top-bar.css";
import "./rail.css";
import "./stage.css";
import "./run-bar.css";
import "./status-strip.css";
import "./empty-canvas.css";
import "./examples.css";
import "./dropzone.css";
import "./palette.css";
import "./shortcuts.css";
import "./narrow.css";
import "./breadcrumb.css";
import { Canvas } from "../canvas/canvas";
import { MenusContext } from "../canvas/menus";
import { Inspector } from "../panels/inspector";
import { Problems } from "../panels/problems";
import { StudioContext, type Studio, useCatalog, useSettings, useShell, useStudio } from "../ui/editor";
import { Tooltips } from "../ui/tooltip";
import { FileHostContext } from "../widgets/props";
import { Breadcrumb } from "./breadcrumb";
import { Dropzone } from "./dropzone";
import { EmptyCanvas } from "./empty-canvas";
import { Examples } from "./examples";
import { fileHost } from "./file-host";
import { contextMenus } from "./menus";
import { Messages } from "./messages";
import { Overlays } from "./overlays";
import { Rail } from "./rail";
import { RunBar } from "./run-bar";
import { SidePanel } from "./side-panel";
import { StatusStrip } from "./status-strip";
import { useTheme } from "./theme";
import { TopBar } from "./top-bar";
import { useClipboard } from "./use-clipboard";
import { useFirstRun } from "./use-first-run";
import { useShortcuts } from "./use-shortcuts";

/** The whole window. */
export function App({ studio }: { studio: Studio }): JSX.Element {
  return (
    <StudioContext value={studio}>
      <Frame />
    </StudioContext>
  );
}

function Frame(): JSX.Element {
  const studio = useStudio();
  const folders = useCatalog((state) => state.folders);
  const files = useMemo(() => fileHost(studio, folders), [studio, folders]);
  const menus = useMemo(() => contextMenus(studio), [studio]);
  const inspector = useSettings((state) => state.inspector);
  const list = useShell((state) => state.problems);
  useTheme();
  useShortcuts();
  useClipboard();
  useFirstRun();
  useEffect(() => studio.shell.store.getState().viewport?.focusCanvas(), [studio]);
  return (
    <FileHostContext value={files}>
      <MenusContext value={menus}>
        <div className="app">
          <TopBar />
          <Rail />
          <SidePanel />
          <main className="stage">
            <div className="board">
              <Canvas />
              <Breadcrumb />
              <EmptyCanvas />
              <Examples />
              <RunBar />
              <Messages />
            </div>
            {list && <Problems />}
          </main>
          {inspector && <Inspector />}
          <StatusStrip />
        </div>
        <Overlays />
        <Dropzone />
        <Tooltips />
      </MenusContext>
    </FileHostContext>
  );
}
