// Files to keep: written, read back, and run on the same rows again before the download.

import { type HostArray, readSafetensors, writeSafetensors } from "../../src/formats/index.ts";
import { compile, data, HebbError, nn, oneHot, optim, seed, tensor } from "../../src/index.ts";
import { makeObjective, Tabular } from "../../src/train/index.ts";
import { codeOf, handIn } from "../shared/code.ts";
import { printProject, readProject } from "../shared/project.ts";
import type { Exported, ExportFormat, OwnData, SavedTensor } from "../shared/protocol.ts";
import * as say from "../texts/en/engine.ts";
import { Session } from "./session.ts";

const arrayOf = ({ shape, data }: SavedTensor): HostArray => ({
  dtype: data instanceof Float64Array ? "float64" : "float32",
  shape,
  data,
});

function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let k = 0; k < a.length; k++) {
    const difference = Math.abs((a[k] ?? 0) - (b[k] ?? 0));
    if (!(difference <= most)) most = difference;
  }
  return most;
}

/** Another session of the same state with these tensors. */
function sessionWith(session: Session, tensors: readonly SavedTensor[]): Session {
  const other = new Session(session.state, session.prepared);
  other.restore({ ...session.save(), from: { kind: "project", tensors, random: session.random } });
  return other;
}

/** The largest difference of outputs on the test rows, or the training rows if there are none. */
function compared(session: Session, other: Session): { difference: number; rows: string } {
  const part = session.testPart ?? session.trainPart;
  const difference = largest(session.measure(part).output, other.measure(part).output);
  return { difference, rows: `${part.rows} ${session.testPart === undefined ? "training" : "test"} rows` };
}

function safetensors(session: Session): Exported {
  const tensors = session.tensors().filter(({ name }) => name.startsWith("m."));
  const named = Object.fromEntries(tensors.map((one) => [one.name.slice(2), arrayOf(one)]));
  const bytes = writeSafetensors(named, { format: "pt", made_by: "hebb Studio" });
  const back = readSafetensors(bytes);
  const restored = Object.entries(back.tensors).map(
    ([name, { shape, data }]): SavedTensor => ({
      name: `m.${name}`,
      shape,
      data: Float32Array.from(data),
    }),
  );
  const { difference, rows } = compared(
    session,
    sessionWith(session, [...restored, ...session.tensors().filter(({ name }) => name.startsWith("o."))]),
  );
  return { name: "model.safetensors", bytes, difference, checked: say.readBackRunAgain(rows) };
}

/** Programs with more steps are not run again before a download. */
const mostSteps = 60000;

/** The program without its types and its import, as the body of a function. */
export function runnable(code: string): string {
  return code
    .replaceAll(/^import .*$/gm, "")
    .split("\n")
    .filter((line) => !line.startsWith(handIn))
    .join("\n")
    .replaceAll(
      /: (?:\[number, string, number, number\]\[\]|\[number, number, number\]\[\]|Tensor|number)(?=[,)\s=])/g,
      "",
    )
    .replace(/console\.log\((await [^;]*)\);/, "return $1;");
}

async function typescript(session: Session, own: OwnData | undefined): Promise<Exported> {
  const { state, prepared } = session;
  const code = `${codeOf(state, prepared.info, session.step)
    .map(({ text }) => text)
    .join("\n")}\n`;
  const bytes = new TextEncoder().encode(code);
  if (session.step > mostSteps)
    return {
      name: "train.ts",
      bytes,
      difference: Number.NaN,
      checked: say.notRunAgainItTakesSteps(session.step),
    };
  const { features, targets } = prepared.train;
  const outside = {
    ...(own?.kind === "table" ? { readCsvFile: (name: string) => data.parseCsv(own.text, { name }) } : {}),
    ...(own?.kind === "images"
      ? { readIdxFile: (name: string) => data.readIdx(name === own.name ? own.images : own.labels, { name }) }
      : {}),
    ...(state.data === "digits" || state.data === "words" ? { features: features.data, targets: targets.data } : {}),
  };
  // Everything that programs import.
  const hebb = { compile, data, makeObjective, nn, oneHot, optim, seed, Tabular, tensor };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const program = AsyncFunction(
    "hebb",
    "outside",
    `const { ${Object.keys(hebb).join(", ")} } = hebb;\nconst { ${Object.keys(outside).join(", ")} } = outside;\n${runnable(code)}`,
  );
  const loss: unknown = await program(hebb, outside);
  const difference = Math.abs(Number(loss) - session.now().train.loss);
  return {
    name: "train.ts",
    bytes,
    difference,
    checked: say.runFromTheStartStepsTraining(session.step, Number(loss).toPrecision(6)),
  };
}

function project(session: Session, own: OwnData | undefined): Exported {
  const { random } = session;
  const tensors = writeSafetensors(Object.fromEntries(session.tensors().map((one) => [one.name, arrayOf(one)])));
  const text = printProject({ state: { ...session.state, step: session.step }, own, tensors, random });
  const back = readProject(text);
  const { difference, rows } = compared(session, sessionWith(session, tensorsOf(back.tensors)));
  return {
    name: "experiment.hebb.json",
    bytes: new TextEncoder().encode(text),
    difference,
    checked: say.readBackRunAgain(rows),
  };
}

/** Saved tensors from the safetensors of a project. */
export function tensorsOf(bytes: Uint8Array): SavedTensor[] {
  return Object.entries(readSafetensors(bytes, { name: say.theFile }).tensors).map(([name, { shape, data }]) => ({
    name,
    shape,
    data: data instanceof Float64Array ? data : Float32Array.from(data),
  }));
}

export async function exportRun(session: Session, format: ExportFormat, own: OwnData | undefined): Promise<Exported> {
  if (format === "typescript" && session.beganTrained)
    throw new HebbError(say.thisNetworkBeganWithTheWeights(session.beginning?.name ?? ""));
  const exported =
    format === "safetensors"
      ? safetensors(session)
      : format === "project"
        ? project(session, own)
        : await typescript(session, own);
  // Large losses are rounded more coarsely.
  if (exported.difference > 1e-3 * Math.max(1, Math.abs(session.now().train.loss)))
    throw new HebbError(say.whatWasReadBackDiffersBy(exported.difference.toPrecision(3)));
  return exported;
}
