import type { JSX } from "react";
import { rename } from "../model/edit";
import type { NodeStatus } from "../state/runs";
import { useDocument, useShell, useStudio } from "../ui/editor";
import { Icon, type IconName } from "../ui/icon";
import { seconds } from "../ui/words";
import type { Figure } from "./anatomy";
import { useMenus } from "./menus";
import { nodeTitle } from "../ui/names";
import { Rename } from "./rename";
import { tintOf } from "./tint";
import { useStale } from "./status";

interface NodeHeadProps {
  id: string;
  figure: Figure;
  status: NodeStatus;
  pinned: boolean;
  bad: boolean;
}

/** The title, what the node is doing, and its menu. The node is dragged by it. */
export function NodeHead({ id, figure, status, pinned, bad }: NodeHeadProps): JSX.Element {
  const { document, shell } = useStudio();
  const menus = useMenus();
  const renaming = useShell((state) => state.renaming === id);
  const title = useDocument(({ graph }) => nodeTitle(graph.nodes.get(id), figure.spec));
  const color = useDocument(({ graph }) => graph.nodes.get(id)?.color ?? null);
  const tint = tintOf(color);
  const inner = useDocument(({ graph, workflow }) => workflow.subgraphs.has(graph.nodes.get(id)?.type ?? ""));
  const enter = (): void => document.enter([...document.store.getState().path, id]);
  return (
    <header className="node-head" onDoubleClick={() => (inner ? enter() : shell.set({ renaming: id }))}>
      {tint !== undefined && <span className="node-tint" style={{ background: tint }} />}
      {pinned && <Icon name="pin" size={13} />}
      {bad && <Icon name="alert" size={14} />}
      {renaming ? (
        <Rename
          label="Title"
          value={title}
          onDone={(text) => {
            shell.set({ renaming: null });
            window.setTimeout(
              () =>
                globalThis.document.querySelector<HTMLElement>(`[data-node="${CSS.escape(id)}"]`)?.focus(),
              0,
            );
            if (text !== null && text !== title) document.apply("rename", (graph) => rename(graph, id, text));
          }}
        />
      ) : (
        <span className="node-title" data-tip={title.length > 30 ? title : undefined}>
          {title}
        </span>
      )}
      <Chip id={id} status={status} />
      <button
        type="button"
        className="icon-button node-menu"
        data-small
        aria-label={`Menu of ${title}`}
        aria-haspopup="menu"
        tabIndex={-1}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          menus.openNode(id, { x: box.left, y: box.bottom + 4 });
        }}
      >
        <Icon name="more" size={14} />
      </button>
    </header>
  );
}

function Chip({ id, status }: { id: string; status: NodeStatus }): JSX.Element | null {
  const stale = useStale(id);
  switch (status.kind) {
    case "running":
      return <Sign tone="run" text={status.total > 0 ? `${status.done}/${status.total}` : "running"} />;
    case "queued":
      return <Sign tone="wait" icon="clock" text="" tip="Waits for its turn" />;
    case "failed":
      return <Sign tone="bad" text="failed" />;
    case "reused":
      return stale ? null : (
        <Sign
          tone="wait"
          icon="reused"
          text="reused"
          tip="Nothing changed: the result from before was used"
        />
      );
    case "done":
      return stale ? null : <Sign tone="done" icon="check" text={seconds(status.seconds)} />;
    case "idle":
      return null;
    default:
      return status satisfies never;
  }
}

function Sign({
  tone,
  icon,
  text,
  tip,
}: {
  tone: string;
  icon?: IconName;
  text: string;
  tip?: string;
}): JSX.Element {
  return (
    <span className="node-chip" data-tone={tone} data-tip={tip}>
      {icon !== undefined && <Icon name={icon} size={13} />}
      {text}
    </span>
  );
}
