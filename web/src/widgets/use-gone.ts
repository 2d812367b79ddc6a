import { useState } from "react";
import { useConnection } from "../ui/editor";

/** Whether a picture cannot be loaded, and what its image does on an error. A connection that is back tries again. */
export function useGone(source: string | null): readonly [gone: boolean, onError: () => void] {
  const connection = useConnection(({ state }) => state);
  const attempt = `${connection} ${source ?? ""}`;
  const [failed, setFailed] = useState("");
  return [failed === attempt, () => setFailed(attempt)];
}
