import { useEffect } from "react";
import { useStudio } from "../ui/editor";
import { COMMANDS } from "./commands";
import { isEnabled } from "./command";
import { commandFor, takesText } from "./keymap";

const TAP_MS = 200;

/** Shortcuts of the whole window. Single letters count only while the canvas, or nothing, has the focus. */
export function useShortcuts(): void {
  const studio = useStudio();
  useEffect(() => {
    let spaceSince = 0;
    const down = (event: KeyboardEvent): void => {
      const target = event.target instanceof Element ? event.target : null;
      if (event.defaultPrevented || document.querySelector("dialog[open]") !== null) return;
      const inText = takesText(target);
      const inCanvas = target === document.body || target?.closest(".canvas") !== null;
      const onControl =
        target?.closest(".node-body button, .react-flow__minimap") !== null && target !== document.body;
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (event.key === "F6") {
        event.preventDefault();
        nextRegion(event.shiftKey ? -1 : 1);
        return;
      }
      if (plain && (inText || !inCanvas || (onControl && event.key !== "Delete")) && !/^F\d/.test(event.key))
        return;
      if (plain && /^[a-z]$/i.test(event.key) && !studio.settings.store.getState().singleKeys) return;
      if (event.key === " " && plain) {
        event.preventDefault();
        if (!event.repeat) spaceSince = event.timeStamp;
        return;
      }
      const command = commandFor(COMMANDS, event, inText);
      if (command === undefined || command.native === true) return;
      event.preventDefault();
      if (isEnabled(command, studio)) command.run(studio);
    };
    const up = (event: KeyboardEvent): void => {
      if (event.key !== " " || spaceSince === 0) return;
      const tapped = event.timeStamp - spaceSince < TAP_MS;
      spaceSince = 0;
      if (tapped) COMMANDS.find((command) => command.id === "add")?.run(studio);
    };
    window.addEventListener("keydown", down);
    window.addEventListener("keyup", up);
    return () => {
      window.removeEventListener("keydown", down);
      window.removeEventListener("keyup", up);
    };
  }, [studio]);
}

/** F6 goes round the regions of the window. */
function nextRegion(step: 1 | -1): void {
  const regions = [...document.querySelectorAll<HTMLElement>("[data-region]")];
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  const region = regions.at((at + step) % Math.max(1, regions.length));
  const inner =
    region?.matches("[tabindex], button") === true
      ? region
      : region?.querySelector<HTMLElement>("[tabindex='0'], button, input");
  inner?.focus();
}
