import { useCallback, useEffect, useState } from "react";

/** What an asynchronous question answers; asked again when the question or one of the versions changes. */
export function useAnswer<T>(
  ask: () => Promise<T>,
  ...versions: readonly unknown[]
): { answer: T | null; again: () => void } {
  const [answer, setAnswer] = useState<T | null>(null);
  const [round, setRound] = useState(0);
  const version = JSON.stringify([round, ...versions]);
  useEffect(() => {
    let wanted = true;
    void ask().then(
      (result) => {
        if (wanted) setAnswer(result);
      },
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [ask, version]);
  return { answer, again: useCallback(() => setRound((before) => before + 1), []) };
}
