import type { JSX } from "react";
import type { Notice } from "../state/notices";
import { Icon } from "./icon";

interface ToastsProps {
  notices: readonly Notice[];
  onDismiss: (id: number) => void;
}

/** What was done and has no place of its own. Errors stay until they are sent away. */
export function Toasts({ notices, onDismiss }: ToastsProps): JSX.Element {
  return (
    <ol className="toasts" aria-label="Messages">
      {notices.slice(-4).map(({ id, kind, text, hint }) => (
        <li key={id} className="toast" data-kind={kind}>
          {kind === "error" && <Icon name="alert" size={16} />}
          <p role={kind === "error" ? "alert" : "status"}>
            {text}
            {hint !== "" && <small>{hint}</small>}
          </p>
          <button
            type="button"
            className="icon-button"
            data-small
            aria-label="Dismiss"
            onClick={() => onDismiss(id)}
          >
            <Icon name="close" size={14} />
          </button>
        </li>
      ))}
    </ol>
  );
}
