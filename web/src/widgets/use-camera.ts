import { useState } from "react";
import { capturesOnRun } from "../model/webcam";
import type { Port } from "../model/workflow";
import { samePlace } from "../state/document";
import { type CameraState, OFF, cameraKey } from "../state/cameras";
import { useCameras, useCatalog, useDocument, useStudio } from "../ui/editor";

export interface CameraControls {
  readonly state: CameraState;
  /** A picture is on its way to the server. */
  readonly busy: boolean;
  /** Each run takes a new picture, so the camera stays on. */
  readonly onRun: boolean;
  readonly start: () => void;
  readonly stop: () => void;
  /** Take a picture; its name is said to `onTaken`. */
  readonly capture: (onTaken: (name: string) => void) => Promise<void>;
}

/** The camera of a node, and what a person can do with it. */
export function useCamera({ node: id }: Port): CameraControls {
  const { cameras, document, notices } = useStudio();
  const path = useDocument((state) => state.path);
  const key = useDocument((state) => cameraKey(state.key, state.workflow, state.path, id));
  const state = useCameras((all) => all.cameras.get(key ?? "") ?? OFF);
  const node = useDocument(({ graph }) => graph.nodes.get(id));
  const spec = useCatalog(({ specs }) => specs.get(node?.type ?? ""));
  const [busy, setBusy] = useState(false);
  const onRun = node !== undefined && spec !== undefined && capturesOnRun(node, spec);
  const capture = async (onTaken: (name: string) => void): Promise<void> => {
    const before = document.store.getState();
    setBusy(true);
    try {
      const name = await cameras.take(path, id);
      if (name === null || !samePlace(before, document.store.getState())) return;
      onTaken(name);
      if (onRun) cameras.hold(path, id);
      else cameras.stop(path, id);
    } catch (error) {
      notices.failure(error);
    } finally {
      setBusy(false);
    }
  };
  return {
    state,
    busy,
    onRun,
    start: () => void cameras.start(path, id),
    stop: () => cameras.stop(path, id),
    capture,
  };
}
