/** Work in slices: whoever waits gets a turn, a few in each frame, so that no frame waits for all of them. */
export interface Turns {
  /** Ask for a turn; call the answer to ask no more. */
  readonly ask: (work: () => void) => () => void;
}

const FRAME_MS = 5;

export function createTurns(
  soon: (run: () => void) => unknown = (run) => window.requestAnimationFrame(run),
  now: () => number = () => performance.now(),
): Turns {
  const waiting = new Set<() => void>();
  let asked = false;
  const later = (): void => {
    if (asked) return;
    asked = true;
    soon(run);
  };
  const run = (): void => {
    asked = false;
    const start = now();
    for (const work of waiting) {
      waiting.delete(work);
      work();
      if (now() - start >= FRAME_MS) break;
    }
    if (waiting.size > 0) later();
  };
  return {
    ask: (work) => {
      waiting.add(work);
      later();
      return () => waiting.delete(work);
    },
  };
}
