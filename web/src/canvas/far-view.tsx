import { type ReactFlowState, useStoreApi } from "@xyflow/react";
import { useEffect, useLayoutEffect, useMemo, useRef, type JSX } from "react";
import { useStore } from "zustand";
import { resultsOf } from "../state/runs";
import { useCatalog, useDocument, useRuns, useShell, useStudio } from "../ui/editor";
import { type Ink, drawScene } from "./far-draw";
import { type Scene, sceneOf } from "./far-scene";
import { useCanvas, useCanvasModel } from "./state";

/** A picture may be shown this much larger or smaller while the zoom changes; at rest it is always sharp. */
const STRETCH = 1.2;
const REST_MS = 80;

/** How far beyond the window the picture goes, so that panning moves it and seldom draws it anew. */
const MARGIN = 128;

/** The whole graph as one picture: from far, hundreds of nodes cost as little as one. */
export function FarView(): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const flow = useStoreApi();
  const scene = useScene();
  const light = useShell((state) => state.light);
  const painter = useRef<Painter | null>(null);
  useLayoutEffect(() => {
    if (canvas.current !== null) painter.current = createPainter(canvas.current);
  }, [light]);
  useLayoutEffect(() => painter.current?.paint(scene, flow.getState()), [scene, light, flow]);
  useEffect(() => flow.subscribe((state) => painter.current?.follow(state)), [flow]);
  useEffect(() => {
    const again = (): void => painter.current?.renew(flow.getState());
    document.fonts.addEventListener("loadingdone", again);
    return () => document.fonts.removeEventListener("loadingdone", again);
  }, [flow]);
  return <canvas className="far-view" ref={canvas} aria-hidden="true" />;
}

function useScene(): Scene {
  const model = useCanvasModel();
  const { faults } = useStudio();
  const key = useDocument((state) => state.key);
  const graph = useDocument((state) => state.graph);
  const workflow = useDocument((state) => state.workflow);
  const path = useDocument((state) => state.path);
  const selection = useDocument((state) => state.selection);
  const focused = useShell((state) => state.focused);
  const catalog = useCatalog((state) => state.specs);
  const results = useRuns((state) => resultsOf(state, key));
  const problems = useStore(faults, (state) => state.byNode);
  const moved = useCanvas((state) => state.moved);
  const previewed = useCanvas((state) => state.previewed);
  const theme = useShell((state) => (state.light ? "light" : "dark"));
  return useMemo(() => {
    const specs = model.specs(workflow, catalog);
    const transient = { moved, previewed };
    const { figures } = model;
    const held = { selection, focused, transient };
    return sceneOf({ graph, workflow, path, specs, figures, results, problems, theme, ...held });
  }, [model, graph, workflow, path, selection, focused, catalog, results, problems, moved, previewed, theme]);
}

type Place = Pick<ReactFlowState, "transform" | "width" | "height">;

interface Painter {
  /** Draw another scene. */
  readonly paint: (scene: Scene, place: Place) => void;
  /** The view has changed: move the picture if it reaches far enough, else draw it anew, once per frame. */
  readonly follow: (place: Place) => void;
  readonly renew: (place: Place) => void;
}

function createPainter(canvas: HTMLCanvasElement): Painter {
  const context = canvas.getContext("2d");
  const ink = inkOf(canvas);
  let scene: Scene | null = null;
  let drawn: Place | null = null;
  let next: Place | null = null;
  const draw = (place: Place): void => {
    if (context === null || scene === null) return;
    const [x, y, zoom] = place.transform;
    const scale = window.devicePixelRatio;
    const [width, height] = [place.width + 2 * MARGIN, place.height + 2 * MARGIN];
    const [pixelsAcross, pixelsDown] = [Math.round(width * scale), Math.round(height * scale)];
    if (canvas.width !== pixelsAcross || canvas.height !== pixelsDown) {
      canvas.width = pixelsAcross;
      canvas.height = pixelsDown;
      canvas.style.inlineSize = `${width}px`;
      canvas.style.blockSize = `${height}px`;
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    drawScene(context, scene, { x: x + MARGIN, y: y + MARGIN, zoom, width, height }, ink);
    canvas.style.transform = "";
    drawn = place;
  };
  let rest = 0;
  const show = (): void => {
    const place = next;
    next = null;
    if (place === null) return;
    const move = drawn === null ? null : shift(drawn, place);
    if (move === null) draw(place);
    else canvas.style.transform = move.transform;
    window.clearTimeout(rest);
    if (move?.stretched === true) rest = window.setTimeout(() => draw(place), REST_MS);
  };
  return {
    paint: (now, place) => {
      scene = now;
      draw(place);
    },
    renew: draw,
    follow: (place) => {
      const still = drawn?.transform === place.transform && drawn.width === place.width;
      if (still && drawn?.height === place.height && next === null) return;
      if (next === null) window.requestAnimationFrame(show);
      next = place;
    },
  };
}

/** How the picture of one view is moved and stretched to stand for another; null if it reaches not that far. */
function shift(drawn: Place, now: Place): { readonly transform: string; readonly stretched: boolean } | null {
  const [fromX, fromY, fromZoom] = drawn.transform;
  const [x, y, zoom] = now.transform;
  const stretch = zoom / fromZoom;
  const left = x - (fromX + MARGIN) * stretch;
  const top = y - (fromY + MARGIN) * stretch;
  const covers =
    left <= 0 &&
    top <= 0 &&
    left + (drawn.width + 2 * MARGIN) * stretch >= now.width &&
    top + (drawn.height + 2 * MARGIN) * stretch >= now.height;
  if (!covers || stretch > STRETCH || stretch < 1 / STRETCH) return null;
  return {
    transform: `translate(${left + MARGIN}px, ${top + MARGIN}px) scale(${stretch})`,
    stretched: stretch !== 1,
  };
}

function inkOf(canvas: HTMLCanvasElement): Ink {
  const style = window.getComputedStyle(canvas);
  const colors = new Map<string, string>();
  const widths = new Map<string, number>();
  const ruler = document.createElement("canvas").getContext("2d");
  if (ruler !== null) ruler.font = `600 100px ${style.fontFamily}`;
  return {
    font: style.fontFamily,
    color: (name) => {
      const color = colors.get(name) ?? style.getPropertyValue(name);
      colors.set(name, color);
      return color;
    },
    advance: (character) => {
      const width = widths.get(character) ?? (ruler?.measureText(character).width ?? 60) / 100;
      widths.set(character, width);
      return width;
    },
  };
}
