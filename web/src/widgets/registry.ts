import type { ComponentType } from "react";
import type { Input, WidgetKind } from "../model/spec";
import { ChoiceWidget } from "./choice";
import { ColorWidget } from "./color";
import { FileWidget } from "./file";
import { NumberWidget } from "./number";
import type { WidgetProps } from "./props";
import { SeedWidget } from "./seed";
import { SliderWidget } from "./slider";
import { TextWidget } from "./text";
import { ToggleWidget } from "./toggle";
import { WebcamWidget } from "./webcam";

type Kind = WidgetKind | "slider";

const WIDGETS: Readonly<Record<Kind, ComponentType<WidgetProps>>> = {
  number: NumberWidget,
  slider: SliderWidget,
  text: TextWidget,
  choice: ChoiceWidget,
  toggle: ToggleWidget,
  seed: SeedWidget,
  file: FileWidget,
  color: ColorWidget,
  webcam: WebcamWidget,
};

/** The component that edits an input's value, or null if it can only be wired. */
export function widgetFor(input: Input): ComponentType<WidgetProps> | null {
  if (input.widget === null) return input.options.length > 0 ? ChoiceWidget : null;
  return WIDGETS[input.widget.kind === "number" && input.widget.slider ? "slider" : input.widget.kind];
}
