import { useRef, type JSX } from "react";

interface RenameProps {
  label: string;
  value: string;
  /** Null: it stays as it was. */
  onDone: (text: string | null) => void;
}

/** A name being typed: Enter or leaving takes it, Escape does not. */
export function Rename({ label, value, onDone }: RenameProps): JSX.Element {
  const over = useRef(false);
  const end = (text: string | null): void => {
    if (over.current) return;
    over.current = true;
    onDone(text);
  };
  return (
    <input
      className="node-rename nodrag"
      aria-label={label}
      defaultValue={value}
      autoFocus
      onFocus={(event) => event.currentTarget.select()}
      onDoubleClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") end(event.currentTarget.value.trim());
        if (event.key === "Escape") end(null);
      }}
      onBlur={(event) => end(event.currentTarget.value.trim())}
    />
  );
}
