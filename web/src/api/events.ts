/** The stream of events: one WebSocket that reconnects, goes on where it stopped, and says when it cannot. */

import { type PreviewFrame, decodeEvent, decodePreview } from "./decode";
import type { ServerEvent } from "./types";

export interface StreamListener {
  readonly event: (event: ServerEvent) => void;
  readonly preview: (frame: PreviewFrame) => void;
  /** The socket opened, or was lost; then the next attempt is `retryMs` away. */
  readonly opened: () => void;
  readonly lost: (retryMs: number) => void;
}

/** What is used of a WebSocket. */
export interface Socket {
  binaryType: BinaryType;
  onopen: ((event: Event) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  close(): void;
}

export interface StreamTools {
  readonly socket: (path: string) => Socket;
  readonly later: (run: () => void, milliseconds: number) => () => void;
  /** Asked before each attempt: the number of the last event already known. Rejects if the server is away. */
  readonly position: () => Promise<number>;
}

export interface Stream {
  stop(): void;
  /** Do not wait any longer. */
  retry(): void;
}

const WAITS = [250, 500, 1000, 2000, 4000, 8000, 15000];

export function openStream({ socket, later, position }: StreamTools, listener: StreamListener): Stream {
  let current: Socket | null = null;
  let attempt = 0;
  let over = false;
  let cancelWait = (): void => undefined;

  const connect = (): void => {
    cancelWait();
    void position().then(
      (after) => {
        if (!over) listen(socket(`/v1/events?after=${after}`));
      },
      () => wait(),
    );
  };
  const wait = (): void => {
    if (over) return;
    const milliseconds = WAITS[Math.min(attempt, WAITS.length - 1)] ?? 0;
    attempt += 1;
    cancelWait = later(connect, milliseconds);
    listener.lost(milliseconds);
  };
  const listen = (opened: Socket): void => {
    current = opened;
    opened.binaryType = "arraybuffer";
    opened.onopen = () => {
      attempt = 0;
      listener.opened();
    };
    opened.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === "string") {
        const event = decodeEvent(data);
        if (event !== null) listener.event(event);
      } else if (data instanceof ArrayBuffer) {
        const frame = decodePreview(data);
        if (frame !== null) listener.preview(frame);
      }
    };
    opened.onclose = () => {
      if (current !== opened) return;
      current = null;
      wait();
    };
  };
  connect();
  return {
    stop: () => {
      over = true;
      cancelWait();
      const closing = current;
      current = null;
      closing?.close();
    },
    retry: () => {
      attempt = 0;
      if (current === null && !over) connect();
    },
  };
}
