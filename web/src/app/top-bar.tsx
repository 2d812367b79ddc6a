import { useState, type JSX } from "react";
import { setTitle } from "../model/edit";
import { Rename } from "../canvas/rename";
import type { TabInfo } from "../state/desk";
import { useDocument, useShell, useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import { Menu, type MenuEntry } from "../ui/menu";
import type { Point } from "../ui/popover";
import { isEnabled } from "./command";
import { CommandButton } from "./command-button";
import { commandNamed } from "./commands";

const DOCUMENT_MENU = [
  "new",
  "open",
  "-",
  "save",
  "save_as",
  "download",
  "-",
  "close",
  "reopen",
  "-",
  "settings",
  "about",
];

/** The documents, whether they are saved, and the way to every command. */
export function TopBar(): JSX.Element {
  const studio = useStudio();
  const light = useShell((state) => state.light);
  return (
    <header className="top-bar" data-region>
      <h1 className="visually-hidden">Photogram</h1>
      <DocumentMenu />
      <Tabs />
      <SaveState />
      <span className="top-gap" />
      <button type="button" className="top-search" onClick={() => studio.shell.open({ kind: "commands" })}>
        <Icon name="search" size={14} />
        <span>Search commands</span>
        <kbd>Ctrl K</kbd>
      </button>
      <CommandButton id="theme" icon={light ? "moon" : "sun"} label={light ? "Dark theme" : "Light theme"} />
      <CommandButton id="shortcuts" label="Help and shortcuts" icon="help" />
      <CommandButton id="inspector" />
    </header>
  );
}

function DocumentMenu(): JSX.Element {
  const studio = useStudio();
  const [at, setAt] = useState<Point | null>(null);
  const entries: readonly MenuEntry[] = DOCUMENT_MENU.map((id) => {
    if (id === "-") return "line";
    const command = commandNamed(id);
    const keys = command.keys[0];
    return {
      label: command.label,
      run: () => command.run(studio),
      enabled: isEnabled(command, studio),
      ...(keys === undefined ? {} : { keys }),
    };
  });
  return (
    <>
      <button
        type="button"
        className="brand"
        aria-label="Photogram menu"
        aria-haspopup="menu"
        aria-expanded={at !== null}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          setAt({ x: box.left + 6, y: box.bottom + 2 });
        }}
      >
        <Mark />
        <Icon name="chevron_down" size={12} />
      </button>
      {at !== null && <Menu label="Photogram" at={at} entries={entries} onClose={() => setAt(null)} />}
    </>
  );
}

/** A disc and a blade laid on paper under the light: our sign. */
function Mark(): JSX.Element {
  return (
    <svg className="mark" width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
      <rect x="1" y="1" width="20" height="20" rx="3" />
      <circle cx="8.4" cy="12.8" r="5" />
      <path d="M13.2 4 19 12.6l-4.6 5.6 1.8-7Z" />
    </svg>
  );
}

function Tabs(): JSX.Element {
  const { document } = useStudio();
  const tabs = useDocument((state) => state.tabs);
  const front = useDocument((state) => state.key);
  return (
    <nav className="tabs" aria-label="Open workflows">
      {tabs.map((tab) => (
        <Tab key={tab.key} tab={tab} front={tab.key === front} closable={tabs.length > 1} />
      ))}
      <button
        type="button"
        className="icon-button"
        data-small
        aria-label="New workflow"
        data-tip="New workflow"
        onClick={() => void document.blank()}
      >
        <Icon name="add" size={14} />
      </button>
    </nav>
  );
}

function Tab({ tab, front, closable }: { tab: TabInfo; front: boolean; closable: boolean }): JSX.Element {
  const { document } = useStudio();
  const [renaming, setRenaming] = useState(false);
  const name = `${tab.title}${tab.dirty ? ", not saved" : ""}`;
  if (renaming) {
    const done = (title: string | null): void => {
      setRenaming(false);
      if (title !== null && title !== tab.title) {
        document.change("rename the workflow", (workflow) => ({
          ...workflow,
          graph: setTitle(workflow.graph, title),
        }));
      }
    };
    return (
      <div className="tab" data-front>
        <Rename label="Workflow name" value={tab.title} onDone={done} />
      </div>
    );
  }
  return (
    <div className="tab" data-front={front || undefined}>
      <button
        type="button"
        className="tab-name"
        aria-label={name}
        aria-current={front ? "page" : undefined}
        data-tip={front ? "Press to rename" : undefined}
        onClick={() => (front ? setRenaming(true) : document.show(tab.key))}
      >
        {tab.title}
        {tab.dirty && <span className="tab-dirty" aria-hidden="true" />}
      </button>
      {closable && (
        <button
          type="button"
          className="tab-close"
          aria-label={`Close ${tab.title}`}
          onClick={() => document.close(tab.key)}
        >
          <Icon name="close" size={12} />
        </button>
      )}
    </div>
  );
}

function SaveState(): JSX.Element {
  const dirty = useDocument((state) => state.dirty);
  const name = useDocument((state) => state.name);
  const kept = useDocument((state) => state.draftsKept);
  const text = !kept
    ? "Not kept: the browser has no room"
    : !dirty && name !== null
      ? "Saved"
      : dirty && name !== null
        ? "Changed since saved"
        : dirty
          ? "Kept in this browser"
          : "";
  return (
    <p className="save-state" data-bad={!kept || undefined}>
      {text}
    </p>
  );
}
