import { useRef, useState, type ClipboardEvent, type DragEvent, type JSX } from "react";
import { setValue } from "../model/edit";
import { samePlace } from "../state/document";
import { useDocument, useStudio } from "../ui/editor";
import { Film } from "../ui/film";
import { Icon } from "../ui/icon";
import { useFiles, useTab } from "./props";
import { useGone } from "./use-gone";

const DRAGGED_FILE = "application/x-photogram-file";

/** What a file may be that a person chooses, and what it is called. */
const KINDS = {
  input: { accept: "image/*", word: "picture", not: "video/", instead: "Use Load Video for a video." },
  videos: { accept: "video/*,.mkv", word: "video", not: "image/", instead: "Use Load Image for a picture." },
} as const;

interface UploadProps {
  readonly node: string;
  readonly name: string;
  readonly folder: keyof typeof KINDS;
}

/** The chosen picture or video of a node that loads one: drop another on it, paste, or press to choose. */
export function Upload({ node, name: label, folder }: UploadProps): JSX.Element {
  const files = useFiles();
  const { document, notices } = useStudio();
  const value = useDocument(({ graph }) => graph.nodes.get(node)?.inputs.get(label));
  const picture = typeof value === "string" && value !== "" ? files.pictureOf(folder, value) : null;
  const chooser = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const [gone, onError] = useGone(picture);
  const take = (file: File | undefined): void => {
    if (file === undefined) return;
    if (file.type.startsWith(KINDS[folder].not)) {
      notices.error(`${file.name} is not a ${KINDS[folder].word}.`, KINDS[folder].instead);
      return;
    }
    const before = document.store.getState();
    setBusy(true);
    void files
      .upload(file)
      .then((name) => {
        if (name !== null && samePlace(before, document.store.getState()))
          document.apply(`load ${name}`, (graph) => setValue(graph, node, label, name));
      })
      .finally(() => setBusy(false));
  };
  const drop = (event: DragEvent): void => {
    const dragged = event.dataTransfer.getData(DRAGGED_FILE);
    setOver(false);
    event.preventDefault();
    event.stopPropagation();
    if (dragged !== "") void fetchAsFile(dragged).then(take);
    else take(event.dataTransfer.files[0]);
  };
  const target = {
    className: "file-drop",
    "data-over": over || undefined,
    onDragOver: (event: DragEvent) => {
      event.preventDefault();
      event.stopPropagation();
      setOver(true);
    },
    onDragLeave: () => setOver(false),
    onDrop: drop,
    onPaste: (event: ClipboardEvent) => take(event.clipboardData.files[0]),
  };
  const press = {
    type: "button",
    "aria-label": `Upload ${label}`,
    tabIndex: useTab(),
    onClick: () => chooser.current?.click(),
  } as const;
  const shown = picture !== null && !gone ? picture : null;
  return (
    <>
      {shown !== null && folder === "videos" ? (
        <div {...target}>
          <Film source={shown} label={`Video ${label}`} className="film nodrag" onError={onError} />
          <button {...press} className="film-mark film-button nodrag" data-tip="Choose another">
            <Icon name="upload" size={14} />
          </button>
        </div>
      ) : (
        <button {...target} {...press}>
          {shown !== null ? (
            <img src={shown} alt="" decoding="async" draggable={false} onError={onError} />
          ) : (
            <span className="file-hint">
              <Icon name="upload" size={18} />
              {busy ? "Uploading…" : `Drop, paste or choose a ${KINDS[folder].word}`}
            </span>
          )}
        </button>
      )}
      <input
        ref={chooser}
        type="file"
        accept={KINDS[folder].accept}
        hidden
        aria-label={`Choose a file for ${label}`}
        onChange={(event) => take(event.currentTarget.files?.[0])}
      />
    </>
  );
}

/** A file dragged from the assets panel comes as its address. */
async function fetchAsFile(address: string): Promise<File | undefined> {
  const answer = await fetch(address);
  if (!answer.ok) return undefined;
  const blob = await answer.blob();
  const name = decodeURIComponent(
    new URL(address, window.location.href).pathname.split("/").at(-1) ?? "picture.png",
  );
  return new File([blob], name, { type: blob.type });
}
