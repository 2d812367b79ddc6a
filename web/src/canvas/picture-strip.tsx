import type { JSX } from "react";

/** So many pictures have a button each; more are leafed through with a slider. */
const MOST_BUTTONS = 8;

interface PictureStripProps {
  count: number;
  at: number;
  onChange: (at: number) => void;
}

/** Which of several pictures of a node is seen. */
export function PictureStrip({ count, at, onChange }: PictureStripProps): JSX.Element {
  if (count > MOST_BUTTONS)
    return (
      <label className="picture-strip nodrag">
        <input
          type="range"
          aria-label="Picture"
          aria-valuetext={`${at + 1} of ${count}`}
          tabIndex={-1}
          min={1}
          max={count}
          value={at + 1}
          onChange={(event) => onChange(event.currentTarget.valueAsNumber - 1)}
        />
        <output>{`${at + 1} of ${count}`}</output>
      </label>
    );
  return (
    <div className="picture-strip nodrag">
      {Array.from({ length: count }, (_, index) => (
        <button
          key={index}
          type="button"
          aria-label={`Picture ${index + 1} of ${count}`}
          aria-pressed={index === at}
          tabIndex={-1}
          onClick={() => onChange(index)}
        >
          {index + 1}
        </button>
      ))}
    </div>
  );
}
