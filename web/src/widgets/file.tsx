import type { JSX } from "react";
import { Picker } from "./choice";
import { type WidgetProps, useFiles } from "./props";

/** What is said of folders that hold no models, while they are empty. */
const EMPTY: ReadonlyMap<string, string> = new Map([
  ["input", "No pictures yet. Drop one on the node."],
  ["videos", "No videos yet. Drop one on the node."],
  ["latents", "No latents in the input folder yet."],
  ["output", "Nothing was made yet."],
]);

/** A file of a folder, by name. */
export function FileWidget(props: WidgetProps): JSX.Element {
  const folder = props.input.widget?.folder ?? "";
  const empty = EMPTY.get(folder) ?? `Nothing in models/${folder} yet.`;
  return <Picker {...props} options={useFiles().namesIn(folder)} empty={empty} />;
}
