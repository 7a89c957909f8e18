// Ship: export files, each read back and run before download; and a form to try the network.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Exported, ExportFormat } from "../../shared/protocol.ts";
import { saveFile } from "../files.ts";
import { short } from "../numbers.ts";
import { share, shared } from "../shortcuts.ts";
import { client, linkHere, run, shownStep, spoken, state } from "../store.ts";
import { Try } from "./Try.tsx";

interface Row {
  readonly format: ExportFormat;
  readonly title: string;
  readonly about: string;
}

const rows: readonly Row[] = [
  {
    format: "safetensors",
    title: "Weights, safetensors",
    about: "with PyTorch's names; hebb, PyTorch and others read them",
  },
  { format: "typescript", title: "Program, TypeScript", about: "trains this network from the start to this very step" },
  {
    format: "project",
    title: "Project, JSON",
    about: "the whole experiment with its data: drop it on this page to go on",
  },
];

type State = { readonly busy: true } | { readonly problem: string } | { readonly file: Exported };
const made = signal<Partial<Record<ExportFormat, State>>>({});

const put = (format: ExportFormat, value: State): void => {
  made.value = { ...made.value, [format]: value };
};

async function make(format: ExportFormat): Promise<void> {
  put(format, { busy: true });
  try {
    const file = await client.ask("export", format);
    put(format, { file });
    spoken.value = `${file.name} is ready: largest difference ${short(file.difference)}`;
  } catch (error) {
    put(format, { problem: error instanceof Error ? error.message : String(error) });
  }
}

const download = ({ name, bytes }: Exported): void =>
  saveFile(name, new Blob([Uint8Array.from(bytes)], { type: "application/octet-stream" }));

function ExportRow({ format, title, about }: Row) {
  const present = made.value[format];
  return (
    <li class="export">
      <div>
        <h3>{title}</h3>
        <p class="hint">{about}</p>
        {present !== undefined && "busy" in present && <p class="checking" />}
        {present !== undefined && "file" in present && (
          <p class="verified" data-format={format}>
            {Number.isNaN(present.file.difference) ? "" : `✓ largest difference ${short(present.file.difference)} · `}
            {present.file.checked}
          </p>
        )}
        {present !== undefined && "problem" in present && (
          <p class="notice bad" role="alert">
            {present.problem}
          </p>
        )}
      </div>
      {present !== undefined && "file" in present ? (
        <button key="download" type="button" class="accent" onClick={() => download(present.file)}>
          Download {present.file.name}
        </button>
      ) : (
        <button
          key="write"
          type="button"
          class="steady"
          disabled={present !== undefined && "busy" in present}
          onClick={() => void make(format)}
        >
          {present !== undefined && "busy" in present ? "Checking …" : "Write and check"}
        </button>
      )}
    </li>
  );
}

export function Ship() {
  const step = shownStep.value;
  const info = run.value;
  // What was written belongs to the step it was written at.
  useEffect(() => {
    made.value = {};
  }, [step, info]);
  if (info === undefined) return null;
  return (
    <div class="ship">
      <section class="panel" aria-labelledby="export-title">
        <header>
          <h2 id="export-title">Take it with you</h2>
          <p class="hint">Every file is read back and run again before it is given out.</p>
        </header>
        <ul class="exports">
          {rows.map((row) => (
            <ExportRow key={row.format} {...row} />
          ))}
        </ul>
        <h3 class="link-title">A link to this experiment</h3>
        <p class="hint">
          It holds the settings and the step, not the data of your own. Whoever opens it repeats the same {step} steps
          and sees the same numbers.
        </p>
        <div class="row">
          <input
            type="text"
            readOnly
            value={linkHere()}
            aria-label="Link"
            class="link-field"
            onFocus={({ currentTarget }) => currentTarget.select()}
          />
          <button type="button" onClick={() => void share()}>
            {shared.value ? "Copied" : "Copy"}
          </button>
        </div>
        {state.value.data === "own" && (
          <p class="hint">Your data are not in the link: send the project file instead.</p>
        )}
      </section>
      <Try info={info} />
    </div>
  );
}
