/** What node types are, as the server describes them (types generated from its dataclasses). */

import type { Input, NodeSpec, Output, Widget, WidgetKind } from "../api/types";

export type { Grows, Input, NodeSpec, Option, Output, Widget, WidgetKind } from "../api/types";

/** Node types by name: the catalog's and, in a document with subgraphs, one for each of those. */
export type Specs = ReadonlyMap<string, NodeSpec>;

const NO_WIDGET: Widget = {
  kind: "text",
  low: null,
  high: null,
  step: null,
  round_to: null,
  slider: false,
  multiline: false,
  placeholder: "",
  dynamic: false,
  options: [],
  label_on: "",
  label_off: "",
  folder: "",
  upload: false,
  cut_to: null,
};

export function widgetOf(kind: WidgetKind, fields: Partial<Omit<Widget, "kind">> = {}): Widget {
  return { ...NO_WIDGET, ...fields, kind };
}

export function inputOf(
  name: string,
  type: string,
  fields: Partial<Omit<Input, "name" | "type">> = {},
): Input {
  return {
    name,
    type,
    widget: null,
    default: null,
    optional: false,
    lazy: false,
    takes_list: false,
    template: null,
    grows: null,
    options: [],
    title: null,
    tooltip: "",
    advanced: false,
    ...fields,
  };
}

export function outputOf(
  name: string,
  type: string,
  fields: Partial<Omit<Output, "name" | "type">> = {},
): Output {
  return { name, type, gives_list: false, template: null, title: null, tooltip: "", ...fields };
}

export function specOf(type: string, fields: Partial<Omit<NodeSpec, "type">> = {}): NodeSpec {
  return {
    type,
    inputs: [],
    outputs: [],
    title: "",
    category: "",
    description: "",
    pack: "",
    version: 1,
    terminal: false,
    cache: true,
    is_async: false,
    has_validator: false,
    upgrades_from: [],
    grad: false,
    keyed_by_id: false,
    has_dynamic_inputs: false,
    deprecated: false,
    experimental: false,
    aliases: [],
    ...fields,
  };
}

/** What people call a node type. */
export function specTitle(spec: NodeSpec): string {
  return spec.title === "" ? spec.type : spec.title;
}
