// The dialog for the visitor's own tables: a preview, the target column, and problems by row.

import { useEffect, useRef, useState } from "preact/hooks";
import { decoded } from "../../src/data/encoding.ts";
import { readProject } from "../shared/project.ts";
import type { Examined, OwnData, Preview } from "../shared/protocol.ts";
import { presetOf } from "../shared/text.ts";
import * as say from "../texts/en/files.ts";
import { type Chosen, isPicture, type Sorted, sortPictures } from "./files.ts";
import type { OwnText } from "./keep.ts";
import { grouped } from "./numbers.ts";
import { readOnnxFile } from "./onnxFile.ts";
import { LoosePictures, PictureFolder } from "./PictureDialog.tsx";
import { presetFor, presetForPictures } from "./presets.ts";
import { dropped } from "./shortcuts.ts";
import { change, client, openOnnx, openProject, openWeights, ownText, state, useOwn } from "./store.ts";

type Found =
  | { readonly kind: "done" }
  | { readonly kind: "looking" }
  | { readonly kind: "problem"; readonly text: string }
  | {
      readonly kind: "table";
      readonly own: OwnTable;
      readonly note: string;
      readonly preview: Preview;
      readonly examined: Examined | undefined;
    }
  | { readonly kind: "text"; readonly own: OwnText }
  | { readonly kind: "images"; readonly own: OwnData }
  | ({ readonly kind: "pictures" } & Sorted);

type OwnTable = Extract<OwnData, { kind: "table" }>;

/** The table with generated names, if the first line is data. */
function withHeader(own: OwnTable, columns: number): OwnTable {
  const [first = ""] = own.text.split("\n", 1);
  const delimiter = [",", ";", "\t", "|"].find((one) => first.split(one).length === columns) ?? ",";
  const names = Array.from({ length: columns }, (_, k) => `column${k + 1}`);
  return { ...own, text: `${names.join(delimiter)}\n${own.text.replace(/^\uFEFF/, "")}` };
}

const isIdx = (name: string): boolean => /ubyte|\.idx|idx\d/i.test(name);

async function look(chosen: readonly Chosen[]): Promise<Found> {
  if (chosen.some(isPicture)) return { kind: "pictures", ...sortPictures(chosen) };
  const files = chosen.map(({ file }) => file);
  const idx = files.filter(({ name }) => isIdx(name));
  if (idx.length > 0) {
    const labels = idx.find(({ name }) => /label/i.test(name));
    const images = idx.find((file) => file !== labels);
    if (labels === undefined || images === undefined)
      return {
        kind: "problem",
        text: say.holds(
          idx[0]?.name ?? say.thisFile,
          labels === undefined ? say.imagesDropTheFileWithTheir : say.labelsDropTheFileWithThe,
        ),
      };
    const bytes = async (file: File): Promise<Uint8Array> => new Uint8Array(await file.arrayBuffer());
    return {
      kind: "images",
      own: { kind: "images", name: images.name, images: await bytes(images), labels: await bytes(labels) },
    };
  }
  const [file] = files;
  if (file === undefined) return { kind: "problem", text: say.thereIsNoFileInIt };
  if (files.length > 1 && chosen.some(({ path }) => path.includes("/")))
    return {
      kind: "problem",
      text: say.thisFolderHoldsFilesAndNo(grouped(files.length)),
    };
  if (/\.(json|safetensors|onnx)$/i.test(file.name)) {
    try {
      if (/\.json$/i.test(file.name)) await openProject(readProject(await file.text()));
      else if (/\.onnx$/i.test(file.name))
        openOnnx(file.name, await readOnnxFile({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) }));
      else await openWeights(file.name, new Uint8Array(await file.arrayBuffer()));
      return { kind: "done" };
    } catch (error) {
      return { kind: "problem", text: error instanceof Error ? error.message : String(error) };
    }
  }
  if (file.size > 100_000_000)
    return { kind: "problem", text: say.hasMBThisPageTakesUp(file.name, grouped(file.size / 1e6)) };
  try {
    const { text, encoding } = decoded(new Uint8Array(await file.arrayBuffer()), file.name);
    const note = encoding === "latin1" ? say.theFileIsNotUTF8 : "";
    const own: OwnData = { kind: "table", name: file.name, text };
    if (/\.md$/i.test(file.name)) return { kind: "text", own };
    const preview = await client.ask("preview", own);
    // Lines without columns are prose, whatever they contain.
    if (/\.txt$/i.test(file.name) && preview.columns.length < 2) return { kind: "text", own };
    // All at once, because a late part would move the rest.
    const examined = await client.ask("examine", { own, target: preview.target, without: [] }).catch(() => undefined);
    return { kind: "table", own, note, preview, examined };
  } catch (error) {
    return { kind: "problem", text: error instanceof Error ? error.message : String(error) };
  }
}

function TablePreview(found: {
  readonly own: OwnTable;
  readonly note: string;
  readonly preview: Preview;
  readonly examined: Examined | undefined;
  readonly close: () => void;
}) {
  const { note, close } = found;
  const [{ own, preview }, setTable] = useState<{ readonly own: OwnTable; readonly preview: Preview }>(found);
  const [target, setTarget] = useState(preview.target);
  const [without, setWithout] = useState<readonly string[]>([]);
  const [examined, setExamined] = useState(found.examined);
  useEffect(() => {
    if (own === found.own && target === found.preview.target && without.length === 0 && examined === found.examined)
      return;
    let wanted = true;
    client.ask("examine", { own, target, without: without.filter((name) => name !== target) }).then(
      (seen) => {
        if (wanted) setExamined(seen);
      },
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [own, target, without]);
  const nameColumns = async (): Promise<void> => {
    const named = withHeader(own, preview.columns.length);
    const seen = await client.ask("preview", named);
    setTable({ own: named, preview: seen });
    setTarget(seen.target);
    setWithout([]);
  };
  const used = preview.columns.filter(({ name }) => name !== target && !without.includes(name));
  const impossible = used.length === 0 || (examined?.findings.some(({ code }) => code === "target") ?? false);
  return (
    <>
      <p>{say.rowsColumnsTheFileStaysIn(grouped(preview.rows), preview.columns.length)}</p>
      <label class="field">
        <span>{say.whatIsToBePredicted}</span>
        <select value={target} onChange={({ currentTarget }) => setTarget(currentTarget.value)}>
          {preview.columns.map(({ name, kind }) => (
            <option key={name} value={name}>
              {name} ({kind})
            </option>
          ))}
        </select>
      </label>
      <p class="hint" role="status">
        {target === preview.target && say.wasGuessed(target, preview.why)}
        {examined !== undefined && examined.task !== "" && say.itIsReadAs(examined.task)}
      </p>
      {note !== "" && <p class="notice">{note}</p>}
      {examined !== undefined && examined.findings.length > 0 && (
        <ul class="findings" aria-label={say.whatToKnowBeforeTraining}>
          {examined.findings.map(({ code, text }) => (
            <li key={text} class={`notice ${code === "leak" || code === "target" ? "bad" : "pairing"}`}>
              <p>{text}</p>
              {code === "header" && (
                <button type="button" class="small" onClick={() => void nameColumns()}>
                  {say.theFirstLineIsDataName}
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      <div class="table-scroll" tabIndex={0} role="region" aria-label={say.theFirstRows}>
        <table class="preview">
          <thead>
            <tr>
              {preview.columns.map(({ name }) => (
                <th key={name} scope="col" class={name === target ? "target" : ""}>
                  {name}
                </th>
              ))}
            </tr>
            <tr>
              {preview.columns.map(({ name, kind, missing }) => (
                <td key={name} class="kind">
                  {kind}
                  {missing > 0 && say.missing(missing)}
                </td>
              ))}
            </tr>
            <tr>
              {preview.columns.map(({ name }) => (
                <td key={name} class="kind">
                  {name === target ? (
                    <span class="predicted">{say.predicted}</span>
                  ) : (
                    <label>
                      <input
                        type="checkbox"
                        aria-label={say.use(name)}
                        checked={!without.includes(name)}
                        onChange={({ currentTarget }) =>
                          setWithout(
                            currentTarget.checked ? without.filter((other) => other !== name) : [...without, name],
                          )
                        }
                      />
                      {say.use2}
                    </label>
                  )}
                </td>
              ))}
            </tr>
          </thead>
          <tbody>
            {preview.head.map((row, place) => (
              <tr key={`${place} ${row[0]}`}>
                {row.map((cell, column) => (
                  <td key={preview.columns[column]?.name} title={cell}>
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="row end">
        <button type="button" class="small" onClick={close}>
          {say.cancel}
        </button>
        <button
          type="button"
          class="accent"
          disabled={impossible}
          onClick={() => {
            // Wide tables, and words of texts, get the defaults of the command line: one layer, and dropout against overfitting.
            const wide = preview.columns.length > 11 || used.some(({ kind }) => kind === "text");
            const width = wide
              ? {
                  layers: [{ kind: "dense" as const, units: 64, activation: "relu" as const }],
                  dropout: 0.5,
                  lr: 0.001,
                }
              : {};
            useOwn(own, {
              ...presetFor("own", state.value),
              ...width,
              target,
              without: without.filter((name) => name !== target).join("\n"),
            });
            close();
          }}
        >
          {say.learnFromIt}
        </button>
      </div>
    </>
  );
}

/** The common folder, or the names of the files. */
function titleOf(files: readonly Chosen[]): string {
  const [folder, inside] = files[0]?.path.split("/") ?? [];
  if (folder !== undefined && inside !== undefined) return folder;
  const names = files.slice(0, 4).map(({ path }) => path);
  return `${names.join(", ")}${files.length > names.length ? ` and ${files.length - names.length} more` : ""}`;
}

export function DropDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const files = dropped.value;
  const [found, setFound] = useState<Found>({ kind: "looking" });
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    if (files !== undefined)
      void look(files).then((seen) => {
        if (seen.kind === "done") close();
        else setFound(seen);
      });
  }, [files]);
  const close = (): void => {
    dropped.value = undefined;
  };
  return (
    <dialog class="drop" ref={dialog} aria-labelledby="drop-title" onClose={close}>
      <h2 id="drop-title">{titleOf(files ?? [])}</h2>
      {found.kind === "looking" && <p>{say.reading}</p>}
      {found.kind === "problem" && (
        <>
          <p class="notice bad" role="alert">
            {found.text}
          </p>
          <div class="row end">
            <button type="button" class="accent" onClick={close}>
              {say.close}
            </button>
          </div>
        </>
      )}
      {found.kind === "table" && <TablePreview {...found} close={close} />}
      {found.kind === "pictures" &&
        (found.classes.length > 0 ? (
          <PictureFolder name={titleOf(files ?? [])} classes={found.classes} others={found.others} close={close} />
        ) : (
          <LoosePictures files={found.loose} close={close} />
        ))}
      {found.kind === "text" && (
        <>
          <p>{say.thisIsATextNotA}</p>
          <div class="row end">
            <button type="button" class="small" onClick={close}>
              {say.cancel}
            </button>
            <button
              type="button"
              class="accent"
              onClick={() => {
                ownText.value = found.own;
                change({ surface: "text", text: { ...state.value.text, ...presetOf("own"), step: 0 } }, "new");
                close();
              }}
            >
              {say.learnFromIt}
            </button>
          </div>
        </>
      )}
      {found.kind === "images" && (
        <>
          <p>{say.imagesWithTheirLabelsTheyStay}</p>
          <div class="row end">
            <button type="button" class="small" onClick={close}>
              {say.cancel}
            </button>
            <button
              type="button"
              class="accent"
              onClick={() => {
                useOwn(found.own, presetForPictures(state.value));
                close();
              }}
            >
              {say.learnFromThem}
            </button>
          </div>
        </>
      )}
    </dialog>
  );
}
