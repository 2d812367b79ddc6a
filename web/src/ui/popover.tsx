import {
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type JSX,
  type ReactNode,
  type SyntheticEvent,
} from "react";
import { createPortal } from "react-dom";

export interface Point {
  x: number;
  y: number;
}

interface PopoverProps {
  at: Point;
  /** The thing it belongs to; a press on it does not count as "outside". */
  anchor?: Element | null;
  onClose: () => void;
  children: ReactNode;
  className?: string;
  /** The height of what it hangs from: when there is no room below, it opens above that. */
  lift?: number;
}

/** A box over everything, at a point of the window, moved as far as needed to be seen whole. */
export function Popover({
  at,
  anchor,
  onClose,
  children,
  className = "",
  lift = 0,
}: PopoverProps): JSX.Element {
  const ref = useRef<HTMLDivElement>(null);
  // Taken while rendering: when effects run, a field inside may already have the focus.
  const [before] = useState(() => document.activeElement);
  useLayoutEffect(() => {
    const box = ref.current;
    if (box === null) return undefined;
    const place = (): void => {
      const { offsetWidth: width, offsetHeight: height } = box;
      const below = at.y + height + 8 <= window.innerHeight;
      const top = below ? at.y : lift > 0 ? at.y - lift - height : window.innerHeight - height - 8;
      box.style.left = `${Math.max(8, Math.min(at.x, window.innerWidth - width - 8))}px`;
      box.style.top = `${Math.max(8, top)}px`;
    };
    place();
    const observer = new ResizeObserver(place);
    observer.observe(box);
    return () => observer.disconnect();
  }, [at.x, at.y, lift]);
  useEffect(() => {
    const outside = (event: PointerEvent): void => {
      const target = event.target;
      if (!(target instanceof Node) || ref.current?.contains(target) || anchor?.contains(target)) return;
      onClose();
    };
    window.addEventListener("pointerdown", outside, true);
    return () => {
      window.removeEventListener("pointerdown", outside, true);
      const lost = document.activeElement === null || document.activeElement === document.body;
      if (lost && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, [anchor, before, onClose]);
  return createPortal(
    <div
      ref={ref}
      className={`popover ${className}`}
      onClick={stay}
      onDoubleClick={stay}
      onPointerDown={stay}
      onContextMenu={stay}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") onClose();
      }}
    >
      {children}
    </div>,
    document.body,
  );
}

/** React passes events of a portal up to where it was made: what happens in the box stays in the box. */
function stay(event: SyntheticEvent): void {
  event.stopPropagation();
}
