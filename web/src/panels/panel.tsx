import type { JSX, ReactNode } from "react";
import { useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import type { PanelName } from "../ui/shell";

interface PanelProps {
  name: PanelName;
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}

/** A panel beside the rail: a heading, its actions, its content. */
export function Panel({ name, title, actions, children }: PanelProps): JSX.Element {
  const { shell } = useStudio();
  return (
    <aside className="panel" aria-label={title} data-region>
      <PanelHead title={title} actions={actions} onClose={() => shell.panel(name)} />
      {children}
    </aside>
  );
}

interface PanelHeadProps {
  title: string;
  actions?: ReactNode;
  onClose: () => void;
}

/** What a panel is called, what can be done with all of it, and the way to close it. */
export function PanelHead({ title, actions, onClose }: PanelHeadProps): JSX.Element {
  return (
    <header className="panel-head">
      <h2>{title}</h2>
      {actions}
      <button
        type="button"
        className="icon-button"
        data-small
        aria-label={`Close ${title}`}
        onClick={onClose}
      >
        <Icon name="close" size={14} />
      </button>
    </header>
  );
}

/** In place of a list with nothing in it. */
export function Nothing({ children }: { children: ReactNode }): JSX.Element {
  return <p className="panel-nothing">{children}</p>;
}
