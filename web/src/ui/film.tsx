import type { JSX } from "react";

interface FilmProps {
  readonly source: string;
  readonly label: string;
  readonly className?: string;
  readonly onError?: () => void;
}

/** A video: silent, again and again, and by itself unless less motion is wished for. */
export function Film({ source, label, className = "film", onError }: FilmProps): JSX.Element {
  return (
    <video
      key={source}
      className={className}
      src={source}
      aria-label={label}
      controls
      muted
      loop
      playsInline
      autoPlay={!window.matchMedia("(prefers-reduced-motion: reduce)").matches}
      preload="metadata"
      onError={onError}
    />
  );
}
