/** The workflow document as text, read and written without loss; the server's graph/document.py has the same format. */

export { UnreadableWorkflow } from "./fields";
export { FORMAT, fromJson, parse } from "./read";
export { serialise, toJson } from "./write";
