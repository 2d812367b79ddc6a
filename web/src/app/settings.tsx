import type { JSX } from "react";
import type { SettingsState } from "../state/settings";
import { Dialog } from "../ui/dialog";
import { useSettings, useStudio } from "../ui/editor";

type Choices<T> = readonly (readonly [value: T, label: string])[];

const THEMES: Choices<SettingsState["theme"]> = [
  ["system", "As the system"],
  ["dark", "Dark"],
  ["light", "Light"],
];
const POINTERS: Choices<"mouse" | "trackpad"> = [
  ["mouse", "Mouse: the wheel zooms"],
  ["trackpad", "Trackpad: it pans, pinching zooms"],
];
const PICTURES: Choices<SettingsState["droppedPicture"]> = [
  ["ask", "Ask"],
  ["open", "Open its workflow"],
  ["load", "Load it as a picture"],
];
const STARTUPS: Choices<SettingsState["startup"]> = [
  ["last", "What was open last"],
  ["blank", "An empty sheet"],
];
const FLAGS: readonly (readonly ["snap" | "showTags" | "singleKeys" | "minimap", string])[] = [
  ["snap", "Snap nodes to the grid"],
  ["showTags", "Letters on sockets"],
  ["minimap", "Minimap"],
  ["singleKeys", "Single letters are shortcuts while the canvas has the focus"],
];

/** What a person prefers; kept by this browser. */
export function SettingsDialog(): JSX.Element {
  const { shell, settings } = useStudio();
  const now = useSettings((state) => state);
  return (
    <Dialog title="Settings" className="settings" onClose={() => shell.close()}>
      <div className="dialog-content">
        <Choice
          label="Theme"
          choices={THEMES}
          value={now.theme}
          onChange={(theme) => settings.set({ theme })}
        />
        <Choice
          label="Pointer"
          choices={POINTERS}
          value={now.pointer ?? "mouse"}
          onChange={(pointer) => settings.set({ pointer })}
        />
        <Choice
          label="A dropped picture that holds a workflow"
          choices={PICTURES}
          value={now.droppedPicture}
          onChange={(droppedPicture) => settings.set({ droppedPicture })}
        />
        <Choice
          label="Begin with"
          choices={STARTUPS}
          value={now.startup}
          onChange={(startup) => settings.set({ startup })}
        />
        <div className="form-checks">
          {FLAGS.map(([flag, label]) => (
            <label key={flag} className="form-check">
              <input
                type="checkbox"
                checked={now[flag]}
                onChange={(event) => settings.set({ [flag]: event.currentTarget.checked })}
              />
              {label}
            </label>
          ))}
        </div>
      </div>
    </Dialog>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  choices: Choices<T>;
  value: T;
  onChange: (value: T) => void;
}

function Choice<T extends string>({ label, choices, value, onChange }: ChoiceProps<T>): JSX.Element {
  return (
    <fieldset className="form-choice">
      <legend>{label}</legend>
      <div>
        {choices.map(([each, name]) => (
          <label key={each}>
            <input type="radio" name={label} checked={each === value} onChange={() => onChange(each)} />
            <span>{name}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
