/** Undo as labelled snapshots. Structural sharing makes them cheap, and there is no inverse to get wrong. */

export interface Snapshot<T> {
  readonly value: T;
  /** What led away from this value, for "Undid: paste 4 nodes". */
  readonly label: string;
}

export interface History<T> {
  readonly past: readonly Snapshot<T>[];
  readonly present: T;
  readonly future: readonly Snapshot<T>[];
  /** While edits carry this key they join the last step (a drag, typing). */
  readonly merge: string | null;
}

const DEEPEST = 500;

export function begin<T>(present: T): History<T> {
  return { past: [], present, future: [], merge: null };
}

/** A new present. With the same `merge` as the edit before, both are one step. */
export function commit<T>(
  history: History<T>,
  present: T,
  label: string,
  merge: string | null = null,
): History<T> {
  if (present === history.present) return history;
  const joins = merge !== null && merge === history.merge && history.past.length > 0;
  const past = joins ? history.past : [...history.past, { value: history.present, label }].slice(-DEEPEST);
  return { past, present, future: [], merge };
}

/** The next edit is a step of its own, whatever it carries: a gesture ended. */
export function settle<T>(history: History<T>): History<T> {
  return history.merge === null ? history : { ...history, merge: null };
}

/** A new present that is no step of its own (a rolled seed): the steps before and after it stay. */
export function amend<T>(history: History<T>, present: T): History<T> {
  return present === history.present ? history : { ...history, present, merge: null };
}

export function undo<T>(history: History<T>): History<T> {
  const last = history.past.at(-1);
  if (last === undefined) return history;
  const undone = { value: history.present, label: last.label };
  return {
    past: history.past.slice(0, -1),
    present: last.value,
    future: [undone, ...history.future],
    merge: null,
  };
}

export function redo<T>(history: History<T>): History<T> {
  const [next, ...future] = history.future;
  if (next === undefined) return history;
  const past = [...history.past, { value: history.present, label: next.label }];
  return { past, present: next.value, future, merge: null };
}
