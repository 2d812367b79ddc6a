/** The camera of the computer that the page is open on. */

/** Why there is no picture: not allowed, none there, used by another program, or not given to such a page. */
export type NoCameraReason = "refused" | "absent" | "busy" | "insecure";

export class NoCamera extends Error {
  override readonly name = "NoCamera";
  readonly reason: NoCameraReason;

  constructor(reason: NoCameraReason, options?: ErrorOptions) {
    super(`The camera cannot be used: ${reason}.`, options);
    this.reason = reason;
  }
}

/** A camera that is on. */
export interface Camera {
  /** What it sees, to be shown. */
  readonly stream: MediaStream;
  /** What it sees now, as a picture file. */
  readonly frame: () => Promise<Blob>;
  readonly stop: () => void;
  /** Runs if it is unplugged or taken away. */
  readonly onEnd: (run: () => void) => void;
}

/** Of the sizes a camera has, the one whose width is nearest to this. */
const WIDTH = 1920;

/** Ask for the camera; the browser asks the person. Throws NoCamera. */
export async function openCamera({ navigator, document }: Window): Promise<Camera> {
  // Pages that are neither of https: nor of this computer have no media devices at all.
  if (!("mediaDevices" in navigator)) throw new NoCamera("insecure");
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: WIDTH } } });
    return await cameraOf(stream, document.createElement("video"));
  } catch (error) {
    throw new NoCamera(reasonOf(error), { cause: error });
  }
}

async function cameraOf(stream: MediaStream, video: HTMLVideoElement): Promise<Camera> {
  const stop = (): void => {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  try {
    await video.play();
  } catch (error) {
    stop();
    throw error;
  }
  return {
    stream,
    stop,
    frame: async () => {
      const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
      canvas.getContext("2d")?.drawImage(video, 0, 0);
      return canvas.convertToBlob({ type: "image/png" });
    },
    onEnd: (run) => {
      for (const track of stream.getTracks()) track.addEventListener("ended", run);
    },
  };
}

function reasonOf(error: unknown): NoCameraReason {
  switch (error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "refused";
    case "NotFoundError":
    case "OverconstrainedError":
      return "absent";
    default:
      return "busy";
  }
}
