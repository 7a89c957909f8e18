// Ship: export files, each read back and run before download; and a form to try the network.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Exported, ExportFormat } from "../../shared/protocol.ts";
import * as say from "../../texts/en/ship.ts";
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
    title: say.weightsSafetensors,
    about: say.withPyTorchsNamesHebbPyTorchAnd,
  },
  { format: "typescript", title: say.programTypeScript, about: say.trainsThisNetworkFromTheStart },
  {
    format: "project",
    title: say.projectJSON,
    about: say.theWholeExperimentWithItsData,
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
    spoken.value = say.isReadyLargestDifference(file.name, short(file.difference));
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
            {Number.isNaN(present.file.difference) ? "" : say.largestDifference(short(present.file.difference))}
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
          {say.download(present.file.name)}
        </button>
      ) : (
        <button
          key="write"
          type="button"
          class="steady"
          disabled={present !== undefined && "busy" in present}
          onClick={() => void make(format)}
        >
          {present !== undefined && "busy" in present ? say.checking : say.writeAndCheck}
        </button>
      )}
    </li>
  );
}

export function Ship() {
  const step = shownStep.value;
  const info = run.value;
  // An exported file belongs to the step of its export.
  useEffect(() => {
    made.value = {};
  }, [step, info]);
  if (info === undefined) return null;
  return (
    <div class="ship">
      <section class="panel" aria-labelledby="export-title">
        <header>
          <h2 id="export-title">{say.takeItWithYou}</h2>
          <p class="hint">{say.everyFileIsReadBackAnd}</p>
        </header>
        <ul class="exports">
          {rows.map((row) => (
            <ExportRow key={row.format} {...row} />
          ))}
        </ul>
        <h3 class="link-title">{say.aLinkToThisExperiment}</h3>
        <p class="hint">{state.value.data === "own" ? say.yourDataAreNotInThe : say.itHoldsTheSettingsAndThe(step)}</p>
        <div class="row">
          <input
            type="text"
            readOnly
            value={linkHere()}
            aria-label={say.link}
            class="link-field"
            onFocus={({ currentTarget }) => currentTarget.select()}
          />
          <button type="button" onClick={() => void share()}>
            {shared.value ? say.copied : say.copy}
          </button>
        </div>
      </section>
      <Try info={info} />
    </div>
  );
}
