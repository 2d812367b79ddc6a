import { useEffect, useRef, type JSX } from "react";
import type { NoCameraReason } from "../state/camera";
import type { CameraState } from "../state/cameras";
import { Icon, type IconName } from "../ui/icon";
import { type WidgetProps, useFiles, useTab } from "./props";
import { type CameraControls, useCamera } from "./use-camera";
import { useGone } from "./use-gone";

const FAILED: Readonly<Record<NoCameraReason, string>> = {
  refused: "This page may not use the camera. Allow it beside the address in the browser, then try again.",
  absent: "There is no camera. Connect one, then try again.",
  busy: "The camera does not answer. Close other programs that use it, then try again.",
  insecure:
    "Browsers give the camera to pages of https:// or of this computer only. Open Photogram at such an address.",
};

/** What the camera sees, and the picture that was taken of it. */
export function WebcamWidget({ label, port, value, onChange, problem }: WidgetProps): JSX.Element {
  const camera = useCamera(port);
  const tab = useTab();
  const picture = useFiles().pictureOf("input", typeof value === "string" ? value : "");
  const { state, busy } = camera;
  const action = nextAction(camera, value !== "");
  return (
    <div className="webcam" role="group" aria-label={label} data-bad={problem !== undefined || undefined}>
      <View state={state} picture={value === "" ? null : picture} onRun={camera.onRun} />
      <div className="webcam-bar">
        <button
          type="button"
          className="button webcam-button"
          tabIndex={tab}
          aria-busy={busy || state.kind === "asking"}
          onClick={() => {
            if (busy || state.kind === "asking") return;
            if (action === "Capture") void camera.capture((name) => onChange(name, "done"));
            else camera.start();
          }}
        >
          <Icon name={iconOf(action)} size={14} />
          {busy ? "Capturing…" : action}
        </button>
        {state.kind === "live" && (
          <button
            type="button"
            className="icon-button"
            data-small
            aria-label="Stop camera"
            data-tip="Stop camera"
            tabIndex={tab}
            onClick={camera.stop}
          >
            <Icon name="stop" size={12} />
          </button>
        )}
      </div>
    </div>
  );
}

type Action = "Start camera" | "Starting…" | "Try again" | "Capture" | "Take again";

/** What the one large button does next. */
function nextAction({ state }: CameraControls, hasPicture: boolean): Action {
  switch (state.kind) {
    case "live":
      return state.captured ? "Take again" : "Capture";
    case "asking":
      return "Starting…";
    case "failed":
      return "Try again";
    case "off":
      return hasPicture ? "Take again" : "Start camera";
    default:
      return state satisfies never;
  }
}

function iconOf(action: Action): IconName {
  if (action === "Capture") return "camera";
  return action === "Take again" || action === "Try again" ? "refresh" : "play";
}

interface ViewProps {
  state: CameraState;
  picture: string | null;
  onRun: boolean;
}

function View({ state, picture, onRun }: ViewProps): JSX.Element {
  const [gone, onError] = useGone(picture);
  if (state.kind === "live" && !(state.captured && picture !== null)) return <Live stream={state.stream} />;
  const shows = picture !== null && !gone && (state.kind === "off" || state.kind === "live");
  return (
    <div className="webcam-view">
      {shows && <img src={picture} alt="Captured" decoding="async" draggable={false} onError={onError} />}
      <p role="status" data-over={shows || undefined}>
        {sentence(state, onRun, shows)}
      </p>
    </div>
  );
}

function sentence(state: CameraState, onRun: boolean, captured: boolean): string {
  if (state.kind === "asking") return "Allow the camera where the browser asks.";
  if (state.kind === "failed") return FAILED[state.reason];
  if (!onRun) return captured ? "" : "The camera is off.";
  if (state.kind === "live") return "Run takes a new picture.";
  return captured ? "The camera is off." : "Each run takes a new picture: start the camera first.";
}

function Live({ stream }: { stream: MediaStream }): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current !== null) video.current.srcObject = stream;
  }, [stream]);
  return (
    <div className="webcam-view">
      <video ref={video} aria-label="Camera" autoPlay muted playsInline />
    </div>
  );
}
