import "@fontsource-variable/inter/wght.css";
import "./styles/tokens.css";
import "./styles/base.css";
import { createRoot } from "react-dom/client";
import { App } from "./app/app";
import { offerHook } from "./app/hook";
import { browserEnvironment } from "./state/environment";
import { createEditor } from "./state/store";
import { createShell } from "./ui/shell";

const environment = browserEnvironment(window);
const studio = { ...createEditor(environment), shell: createShell(environment.local) };
offerHook(window, studio);
window.addEventListener("pagehide", () => {
  studio.cameras.stopAll();
  studio.document.flush();
});

const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<App studio={studio} />);
void studio.start();
