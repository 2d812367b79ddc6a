import { useEffect } from "react";
import { useSettings, useStudio } from "../ui/editor";

/** Keeps the page's theme as chosen, or as the system has it. */
export function useTheme(): void {
  const { shell } = useStudio();
  const theme = useSettings((state) => state.theme);
  useEffect(() => {
    const system = window.matchMedia("(prefers-color-scheme: light)");
    const apply = (): void => {
      const light = theme === "light" || (theme === "system" && system.matches);
      document.documentElement.dataset.theme = light ? "light" : "dark";
      shell.set({ light });
    };
    apply();
    system.addEventListener("change", apply);
    return () => system.removeEventListener("change", apply);
  }, [theme, shell]);
}
