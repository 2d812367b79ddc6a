import type { JSX } from "react";
import { useStore } from "zustand";
import { useShell, useStudio } from "../ui/editor";
import { Toasts } from "../ui/toast";

/** Notices on the screen, and a line that only screen readers get. */
export function Messages(): JSX.Element {
  const { notices } = useStudio();
  const list = useStore(notices.store, (state) => state.notices);
  const said = useShell((state) => state.said);
  return (
    <>
      <Toasts notices={list} onDismiss={notices.dismiss} />
      <p className="visually-hidden" role="status">
        {said}
      </p>
    </>
  );
}
