import { useEffect, useState, type JSX } from "react";
import { createPortal } from "react-dom";

interface Tip {
  text: string;
  keys: string;
  x: number;
  y: number;
  above: boolean;
}

const DELAY_MS = 450;

/** One tooltip for the whole page: anything with `data-tip` (and `data-keys`) shows it on hover or keyboard focus. */
export function Tooltips(): JSX.Element | null {
  const [tip, setTip] = useState<Tip | null>(null);
  useEffect(() => {
    let timer = 0;
    const hide = (): void => {
      window.clearTimeout(timer);
      setTip(null);
    };
    const show = (event: Event): void => {
      const target = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
      window.clearTimeout(timer);
      setTip(null);
      if (target === null || (event.type === "focusin" && !target.matches(":focus-visible"))) return;
      timer = window.setTimeout(() => setTip(describe(target)), DELAY_MS);
    };
    const listened = {
      show: ["pointerover", "focusin"],
      hide: ["pointerdown", "focusout", "keydown", "wheel"],
    };
    for (const name of listened.show) document.addEventListener(name, show);
    for (const name of listened.hide) document.addEventListener(name, hide, { capture: true, passive: true });
    return () => {
      window.clearTimeout(timer);
      for (const name of listened.show) document.removeEventListener(name, show);
      for (const name of listened.hide) document.removeEventListener(name, hide, { capture: true });
    };
  }, []);
  if (tip === null || tip.text === "") return null;
  return createPortal(
    <div
      className="tooltip"
      role="tooltip"
      data-above={tip.above || undefined}
      style={{ left: tip.x, top: tip.y }}
    >
      {tip.text}
      {tip.keys === "" ? null : <kbd>{tip.keys}</kbd>}
    </div>,
    document.body,
  );
}

function describe(target: Element): Tip | null {
  if (!target.isConnected) return null;
  const box = target.getBoundingClientRect();
  const above = box.bottom + 60 > window.innerHeight;
  return {
    text: target.getAttribute("data-tip") ?? "",
    keys: target.getAttribute("data-keys") ?? "",
    x: Math.max(90, Math.min(window.innerWidth - 90, box.left + box.width / 2)),
    y: above ? box.top - 8 : box.bottom + 8,
    above,
  };
}
