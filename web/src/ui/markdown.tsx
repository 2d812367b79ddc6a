import { Fragment, type JSX, type ReactNode } from "react";

/**
 * Markdown as React elements: headings, lists, quotes, code, emphasis and links. There is no way to raw HTML and no
 * picture, so what a stranger wrote can neither run nor call home.
 */
export function Markdown({ text }: { text: string }): JSX.Element {
  return <div className="markdown">{blocks(text)}</div>;
}

function blocks(text: string): ReactNode[] {
  const found: ReactNode[] = [];
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    const take = (fits: (line: string) => boolean): string[] => {
      const start = at;
      while (at < lines.length && fits(lines[at] ?? "")) at += 1;
      return lines.slice(start, at);
    };
    const key = at;
    const heading = /^(#{1,4})\s+(.*)$/.exec(line);
    if (line.startsWith("```")) {
      at += 1;
      const code = take((next) => !next.startsWith("```"));
      at += 1;
      found.push(<pre key={key}>{code.join("\n")}</pre>);
    } else if (heading !== null) {
      at += 1;
      found.push(
        <p key={key} className={`markdown-h${heading[1]?.length ?? 1}`}>
          {spans(heading[2] ?? "")}
        </p>,
      );
    } else if (/^\s*[-*+]\s+/.test(line)) {
      const items = take((next) => /^\s*[-*+]\s+/.test(next));
      found.push(
        <ul key={key}>{items.map((item, index) => listItem(item.replace(/^\s*[-*+]\s+/, ""), index))}</ul>,
      );
    } else if (/^\s*\d+[.)]\s+/.test(line)) {
      const items = take((next) => /^\s*\d+[.)]\s+/.test(next));
      found.push(
        <ol key={key}>{items.map((item, index) => listItem(item.replace(/^\s*\d+[.)]\s+/, ""), index))}</ol>,
      );
    } else if (line.startsWith(">")) {
      const quoted = take((next) => next.startsWith(">"));
      found.push(
        <blockquote key={key}>{spans(quoted.map((next) => next.replace(/^>\s?/, "")).join(" "))}</blockquote>,
      );
    } else if (line.trim() === "") {
      at += 1;
    } else {
      const first = lines[at] ?? "";
      at += 1;
      const rest = take(
        (next) => next.trim() !== "" && !/^(#{1,4}\s|```|>|\s*[-*+]\s|\s*\d+[.)]\s)/.test(next),
      );
      found.push(
        <p key={key}>
          {[first, ...rest].map((part, index) => (
            <Fragment key={index}>
              {index > 0 && <br />}
              {spans(part)}
            </Fragment>
          ))}
        </p>,
      );
    }
  }
  return found;
}

function listItem(text: string, index: number): JSX.Element {
  return <li key={index}>{spans(text)}</li>;
}

const SPAN =
  /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|_([^_]+)_|\[([^\]]+)\]\(([^)\s]+)\)|(https?:\/\/[^\s<>()]+)/;

function spans(text: string): ReactNode[] {
  const found: ReactNode[] = [];
  let rest = text;
  while (rest !== "") {
    const match = SPAN.exec(rest);
    if (match === null) {
      found.push(rest);
      break;
    }
    if (match.index > 0) found.push(rest.slice(0, match.index));
    found.push(<Fragment key={found.length}>{span(match)}</Fragment>);
    rest = rest.slice(match.index + match[0].length);
  }
  return found;
}

function span(match: RegExpExecArray): ReactNode {
  const [whole, code, bold, star, underscore, label, target, bare] = match;
  if (code !== undefined) return <code>{code}</code>;
  if (bold !== undefined) return <strong>{bold}</strong>;
  const slanted = star ?? underscore;
  if (slanted !== undefined) return <em>{slanted}</em>;
  const address = target ?? bare ?? "";
  if (!/^https?:\/\//i.test(address)) return label ?? whole;
  return (
    <a href={address} target="_blank" rel="noopener noreferrer nofollow">
      {label ?? bare}
    </a>
  );
}
