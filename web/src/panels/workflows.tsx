import { useCallback, useState, type JSX } from "react";
import type { WorkflowInfo } from "../api/types";
import { useCatalog, useDocument, useStudio } from "../ui/editor";
import { Icon } from "../ui/icon";
import { ago } from "../ui/words";
import { Nothing, Panel } from "./panel";
import { useAnswer } from "./use-answer";

/** What was saved, and templates to begin with. */
export function WorkflowsPanel(): JSX.Element {
  const { files } = useStudio();
  const folders = useCatalog((state) => state.folders);
  const revision = useDocument((state) => state.revision);
  const ask = useCallback(
    async () => ({ saved: await files.workflows(), templates: await files.templates() }),
    [files],
  );
  const { answer, again } = useAnswer(ask, [...folders.keys()].length, revision);
  return (
    <Panel name="workflows" title="Workflows">
      <div className="panel-scroll">
        <h3 className="panel-title">Saved</h3>
        {answer !== null && answer.saved.length === 0 && (
          <p className="panel-hint">Nothing saved yet. Ctrl+S saves this one.</p>
        )}
        {answer?.saved.map((info) => (
          <Saved key={info.name} info={info} onChange={again} />
        ))}
        <h3 className="panel-title">Templates</h3>
        {answer !== null && answer.templates.length === 0 && (
          <p className="panel-hint">There are no templates here.</p>
        )}
        <div className="template-grid">
          {answer?.templates.map((info) => (
            <Template key={info.name} info={info} />
          ))}
        </div>
        {answer === null && <Nothing>Reading…</Nothing>}
      </div>
    </Panel>
  );
}

function Saved({ info, onChange }: { info: WorkflowInfo; onChange: () => void }): JSX.Element {
  const { files } = useStudio();
  const [sure, setSure] = useState(false);
  return (
    <div className="saved">
      <button type="button" className="saved-open" onClick={() => void files.open(info.name)}>
        <Icon name="workflow" size={15} />
        <span>{info.title === "" ? info.name : info.title}</span>
        <small>{info.damaged ? "damaged" : ago(info.modified, Date.now() / 1000)}</small>
      </button>
      <button
        type="button"
        className="icon-button"
        data-small
        aria-label={sure ? `Really delete ${info.name}` : `Delete ${info.name}`}
        data-danger={sure || undefined}
        onBlur={() => setSure(false)}
        onClick={() => {
          if (sure) void files.delete(info.name).then(onChange);
          setSure(!sure);
        }}
      >
        <Icon name={sure ? "check" : "trash"} size={14} />
      </button>
    </div>
  );
}

function Template({ info }: { info: WorkflowInfo }): JSX.Element {
  const { files, client } = useStudio();
  const [broken, setBroken] = useState(info.picture === null);
  const title = info.title === "" ? info.name : info.title;
  return (
    <button type="button" className="template" onClick={() => void files.openTemplate(info.name)}>
      <span className="template-picture">
        {broken ? (
          <Icon name="workflow" size={26} />
        ) : (
          <img
            src={client.templatePicture(info.name)}
            alt=""
            loading="lazy"
            decoding="async"
            onError={() => setBroken(true)}
          />
        )}
      </span>
      <b>{title}</b>
      {info.description !== "" && <small>{info.description}</small>}
    </button>
  );
}
