import type { JSX } from "react";
import { Picker } from "./choice";
import { type WidgetProps, useFiles } from "./props";

/** A file of a folder, by name. */
export function FileWidget(props: WidgetProps): JSX.Element {
  const folder = props.input.widget?.folder ?? "";
  const empty =
    folder === "input" ? "No pictures yet. Drop one on the node." : `Nothing in models/${folder} yet.`;
  return <Picker {...props} options={useFiles().namesIn(folder)} empty={empty} />;
}
