import type { JSX, ReactNode } from "react";
import { useStudio } from "../ui/editor";
import { Dialog } from "../ui/dialog";
import type { Section } from "./command";
import { COMMANDS } from "./commands";

const SECTIONS: readonly Section[] = ["Run", "Edit", "Nodes", "View", "Document", "Help"];

/** What no command stands for: gestures and keys inside of things. */
const GESTURES: readonly (readonly [string, string])[] = [
  ["Add a node", "Double-click the canvas, or tap Space"],
  ["Pan", "Drag the canvas, or the middle button"],
  ["Select several", "Ctrl or Shift and drag"],
  ["Copy while moving", "Alt and drag a node"],
  ["Put a node into a link", "Drag it onto the link"],
  ["Disconnect an input", "Drag its wire off, or Ctrl+Alt and click"],
  ["From node to node", "Arrow keys; with Alt along the links"],
  ["Move the selection", "Ctrl and arrow keys; with Shift further"],
  ["Into a node, and out", "Enter, Esc; Tab inside"],
  ["Connect by list", "C or Enter on a socket"],
  ["Weigh words of a prompt", "Ctrl+↑ and Ctrl+↓"],
  ["Change a number", "Drag sideways; Shift fine, Ctrl coarse; type 512*2"],
  ["Next region of the window", "F6"],
];

export function ShortcutsDialog(): JSX.Element {
  const { shell } = useStudio();
  return (
    <Dialog title="Keyboard and gestures" className="shortcuts" onClose={() => shell.close()}>
      <div className="dialog-content" tabIndex={0}>
        <div className="shortcuts-columns">
          <Block title="Gestures">
            {GESTURES.map(([name, how]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{how}</dd>
              </div>
            ))}
          </Block>
          {SECTIONS.map((section) => (
            <Block key={section} title={section}>
              {COMMANDS.filter((command) => command.section === section && command.keys.length > 0).map(
                (command) => (
                  <div key={command.id}>
                    <dt>{command.label}</dt>
                    <dd>
                      {command.keys.map((key) => (
                        <kbd key={key}>{key}</kbd>
                      ))}
                    </dd>
                  </div>
                ),
              )}
            </Block>
          ))}
        </div>
      </div>
    </Dialog>
  );
}

function Block({ title, children }: { title: string; children: ReactNode }): JSX.Element {
  return (
    <section>
      <h3>{title}</h3>
      <dl>{children}</dl>
    </section>
  );
}
