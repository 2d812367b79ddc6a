import { useEffect } from "react";
import { useStudio } from "../ui/editor";

const VISITED = "photogram:visited";
const WAIT_MS = 60;
const TRIES = 80;

/** On the very first visit the prompt has the focus, ready to be typed over, and Run pulses once. */
export function useFirstRun(): void {
  const { settings } = useStudio();
  useEffect(() => {
    let timer = 0;
    const look = (tries: number): void => {
      const prompt = document.querySelector<HTMLTextAreaElement>(".node textarea");
      if (prompt === null) {
        if (tries > 0) timer = window.setTimeout(() => look(tries - 1), WAIT_MS);
        return;
      }
      window.localStorage.setItem(VISITED, "yes");
      prompt.focus({ preventScroll: true });
      document.querySelector(".run-button")?.setAttribute("data-pulse", "");
    };
    if (window.localStorage.getItem(VISITED) === null) {
      settings.set({ inspector: false });
      look(TRIES);
    }
    return () => window.clearTimeout(timer);
  }, [settings]);
}
