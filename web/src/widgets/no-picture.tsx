import type { JSX, ReactNode } from "react";
import { Icon } from "../ui/icon";

/** In place of a node's picture while there is none. */
export function NoPicture({ children }: { children: ReactNode }): JSX.Element {
  return (
    <div className="node-picture picture-none">
      <Icon name="asset" size={20} />
      <span>{children}</span>
    </div>
  );
}
