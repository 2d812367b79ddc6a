import { createContext, useContext } from "react";
import type { Point } from "../ui/popover";

/** The menus of the things on the canvas; what stands in them is the application's. */
export interface Menus {
  readonly openNode: (id: string, at: Point) => void;
  readonly openLink: (key: string, at: Point) => void;
  readonly openGroup: (id: string, at: Point) => void;
  readonly openNote: (id: string, at: Point) => void;
  readonly openCanvas: (at: Point) => void;
}

const nothing = (): void => undefined;

export const MenusContext = createContext<Menus>({
  openNode: nothing,
  openLink: nothing,
  openGroup: nothing,
  openNote: nothing,
  openCanvas: nothing,
});

export function useMenus(): Menus {
  return useContext(MenusContext);
}
