// A state of the Studio against the library: every number on a surface, compared to the bit.
import { data, grad, HebbError, nn, tensor } from "../../../src/index.ts";
import { metrics } from "../../../src/train/index.ts";
import { filmOf } from "../../../studio/engine/film.ts";
import { Lanes } from "../../../studio/engine/lanes.ts";
import { predict } from "../../../studio/engine/predict.ts";
import { importance, results } from "../../../studio/engine/results.ts";
import { Session } from "../../../studio/engine/session.ts";
import { exportRun } from "../../../studio/engine/ship.ts";
import { stepThrough } from "../../../studio/engine/stepThrough.ts";
import { View } from "../../../studio/engine/view.ts";
import { derived } from "../../../studio/shared/features.ts";
import { activations } from "../../../studio/shared/names.ts";
import type { StudioState } from "../../../studio/shared/state.ts";
import type { LayerStep, ParameterNumbers } from "../../../studio/shared/steps.ts";
import { floats, Reference } from "./reference.ts";

/** Messages with which a state may be refused. */
const refusals = [
  /^batch normalisation needs more than one row in a batch/,
  /^Step lays open networks of up to/,
  /^this is an ensemble, whose members share their weights/,
  /more than one value per channel/,
];

type Numbers = ArrayLike<number>;

/** The differences, in words. */
class Differences {
  readonly found: string[] = [];

  /** The same numbers, to the bit; any NaN equals any other, and 0 equals −0. */
  same(what: string, shown: Numbers | undefined, wanted: Numbers | undefined): void {
    if (shown === undefined || wanted === undefined) {
      if (shown !== wanted) this.found.push(`${what}: ${shown === undefined ? "not shown" : "nothing to show"}`);
      return;
    }
    if (shown.length !== wanted.length)
      this.found.push(`${what}: ${shown.length} numbers are shown, there are ${wanted.length}`);
    for (let k = 0; k < wanted.length; k++) {
      const [a, b] = [shown[k] ?? Number.NaN, wanted[k] ?? Number.NaN];
      if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
      this.found.push(`${what}, number ${k} of ${wanted.length}: ${a} is shown, the library has ${b}`);
      return;
    }
  }

  /** Sums in another order: equal within `ulps` units of single precision at the largest of them. */
  near(what: string, shown: Numbers, wanted: Numbers, ulps: number): void {
    const most = Math.max(...Array.from(wanted, Math.abs));
    for (let k = 0; k < wanted.length; k++) {
      const [a, b] = [shown[k] ?? Number.NaN, wanted[k] ?? Number.NaN];
      if (!Number.isFinite(b) || Math.abs(a - b) <= ulps * 2 ** -23 * most) continue;
      this.found.push(`${what}, number ${k} of ${wanted.length}: ${a} is shown, the library has ${b}`);
      return;
    }
  }

  equal(what: string, shown: unknown, wanted: unknown): void {
    if (!Object.is(shown, wanted))
      this.found.push(`${what}: ${String(shown)} is shown, the library has ${String(wanted)}`);
  }
}

const one = (value: number | undefined): Numbers => (value === undefined ? [] : [value]);

class Walk {
  readonly differences = new Differences();
  readonly state: StudioState;
  readonly session: Session;
  readonly view: View;
  readonly reference: Reference;

  constructor(session: Session) {
    this.session = session;
    this.state = session.state;
    this.view = new View(session);
    this.reference = new Reference(session.state, session.prepared);
  }

  /** Moves both to the step of the state, and compares every point of the curve with the library. */
  go(): void {
    const { session, reference, differences, state } = this;
    // Beyond and back, as when the step is dragged.
    session.goTo(state.step + (state.seed % 3));
    session.goTo(state.step);
    const points = new Map(session.history.map((point) => [point.step, point]));
    for (let step = 0; ; step++) {
      const point = points.get(step);
      if (point !== undefined) this.#curve(`the curve at step ${step}`, point);
      if (step >= state.step || !reference.step(0)) break;
    }
    differences.equal("steps", session.step, reference.trainer.steps);
    this.#curve("the bar", session.now());
    this.weights("weights");
  }

  #curve(what: string, { train, test }: ReturnType<Session["now"]>): void {
    const { session, reference, differences } = this;
    for (const [part, shown] of Object.entries({ train, test })) {
      if (shown === undefined) continue;
      const limit = part === "train" ? 2000 : 4000;
      const rows = reference.rowsOf(part === "train" ? "train" : "test", limit);
      const { loss, output } = reference.measure(rows);
      differences.same(`${what}, ${part} loss`, one(shown.loss), one(loss));
      differences.same(`${what}, ${part} metric`, one(shown.metric), one(this.#metric(output, floats(rows.y))));
    }
    differences.equal("whether there are test rows", test !== undefined, session.prepared.test !== undefined);
  }

  /** The predicted labels of outputs. */
  #said(output: Float32Array): Numbers {
    const { task, classes } = this.session.prepared.info;
    return task === "binary"
      ? Array.from(output, (chance) => (chance >= 0.5 ? 1 : 0))
      : metrics.predictedClasses(output, classes.length);
  }

  #metric(output: Float32Array, truth: Float32Array): number {
    const { info } = this.session.prepared;
    return info.task === "number" ? metrics.r2(output, truth) : metrics.accuracy(this.#said(output), truth);
  }

  weights(what: string): void {
    const { session, reference, differences } = this;
    const own = reference.state();
    for (const { name, data: values } of session.tensors()) {
      const known = name.startsWith("m.")
        ? name.slice(2)
        : name.replace(/^o\.(\d+)/, (_, place: string) => reference.model.namedParameters()[Number(place)]?.[0] ?? "");
      // State that the optimizer has not created yet is zero.
      differences.same(`${what} ${known}`, values, own.get(known) ?? values.map(() => 0));
    }
  }

  /** The Lab: the inspector, the maps, the panel of the output. */
  lab(): void {
    const { session, reference, differences, state, view } = this;
    const { info } = session.prepared;
    const shown = view.snapshot(state, 0);
    const rows = reference.rowsOf("train", session.slopeRows);
    const slopes = reference.slopesOf(rows);
    const named = session.network.model.namedParameters();
    const others = reference.model.parameters();
    const slopeOf = (parameter: nn.Parameter | undefined): Float32Array | undefined => {
      const place = named.findIndex(([, one]) => one === parameter);
      const found = others[place];
      return found === undefined ? undefined : slopes.get(found);
    };
    const layers = view.layers();
    session.network.layers.forEach(({ weight, bias }, place) => {
      const layer = layers[place];
      differences.same(`inspector, weights of layer ${place + 1}`, layer?.weight, floats(weight));
      differences.same(`inspector, slopes of layer ${place + 1}`, layer?.weightGrad, slopeOf(weight));
      if (bias !== undefined)
        differences.same(`inspector, slopes of biases ${place + 1}`, layer?.biasGrad, slopeOf(bias));
    });
    const held = reference.rowsOf(session.testPart === undefined ? "train" : "test", 4000);
    const answers = reference.measure(held).output;
    const truth = floats(held.y);
    const target = session.prepared.table?.target;
    const back = (value: number): number => (target?.kind === "number" ? data.inverseTarget(target, value) : value);
    if (state.data !== "words" && info.task !== "number")
      differences.same(
        "confusion",
        shown.output.confusion,
        metrics.confusionMatrix(this.#said(answers), truth, info.classes.length).flat(),
      );
    if (info.task === "number")
      differences.same(
        "pairs",
        shown.output.pairs,
        Float32Array.from(
          Array.from(truth, (value, row) => [back(value), back(answers[row] ?? 0)])
            .flat()
            .slice(0, 800),
        ),
      );
    if (shown.unit !== undefined) this.#unit(rows.x, shown.unit);
    if (shown.maps.fine > 0) {
      const grid = this.#grid(shown.maps.fine, shown.maps.axes);
      const points = shown.maps.fine ** 2;
      const values = reference.answers(tensor(grid, { shape: [points, info.inputs.length] }), { compiled: true });
      const outputs = values.length / points;
      const turned = values.map((_, k) => values[(k % points) * outputs + Math.floor(k / points)] ?? 0);
      differences.same("map of the output", shown.maps.output, turned);
    }
  }

  #unit(x: ReturnType<Reference["rowsOf"]>["x"], { stage, unit, values }: NonNullable<ReturnType<View["unit"]>>): void {
    const { reference, differences, session } = this;
    if (reference.places.length < stage) return;
    const read = reference.stages(x)[stage - 1] ?? new Float32Array();
    const rows = session.slopeRows;
    const units = session.network.stages[stage]?.units ?? 1;
    const size = read.length / (rows * units);
    const means = Float32Array.from({ length: rows }, (_, row) => {
      const from = (row * units + unit) * size;
      return read.subarray(from, from + size).reduce((sum, value) => sum + value, 0) / size;
    });
    differences.same(`inspector, values of neuron ${stage}.${unit}`, values, means);
  }

  /** The points of a map: inputs that are not axes stay at 0. */
  #grid(side: number, [a, b]: readonly [number, number]): Float32Array {
    const { ranges, inputs, given } = this.session.prepared.info;
    const [[x0, x1], [y0, y1]] = [ranges[a] ?? [-1, 1], ranges[b] ?? [-1, 1]];
    const points = Array.from({ length: side * side }, (_, k) => {
      const row = new Array<number>(given).fill(0);
      if (inputs.length > 1) row[b] = y1 - ((Math.floor(k / side) + 0.5) / side) * (y1 - y0);
      row[a] = x0 + (((k % side) + 0.5) / side) * (x1 - x0);
      return row;
    });
    const rows = Float32Array.from(points.flat());
    return given === inputs.length ? rows : derived(rows, this.state.features);
  }

  /** Results, and one case of the form. */
  results(): void {
    const { session, reference, differences } = this;
    const { info, table } = session.prepared;
    const part = session.testPart === undefined ? "train" : "test";
    const rows = reference.rowsOf(part, session.testPart?.rows ?? session.trainPart.rows);
    const back = (value: number): number =>
      table?.target.kind === "number" ? data.inverseTarget(table.target, value) : value;
    const answers = reference.measure(rows).output;
    const found = results(session);
    differences.same("results, answers", found.outputs, info.task === "number" ? answers.map(back) : answers);
    differences.same("results, truth", found.truth, info.task === "number" ? floats(rows.y).map(back) : floats(rows.y));
    // The rows of a table are identified by their line numbers.
    const origin =
      session.testPart === undefined ? session.prepared.origin?.trainRows : session.prepared.origin?.testRows;
    for (const { row, loss } of found.worst.slice(0, 4)) {
      const at = origin === undefined ? row - 1 : origin.indexOf(row - 1);
      const single = { x: rows.x.narrow(0, at, 1), y: rows.y.narrow(0, at, 1) };
      differences.same(`results, loss of row ${row}`, one(loss), one(reference.measure(single).loss));
    }
    if (info.inputShape.length === 1 && info.inputs.length < 20) {
      const first = { ...rows, ...reference.rowsOf(part, 1000) };
      const { metric } = importance(session, { repeats: 1 });
      differences.same(
        "importance, metric",
        one(metric),
        one(this.#metric(reference.measure(first).output, floats(first.y))),
      );
    }
    if (info.inputShape.length > 1 || info.given === info.inputs.length) {
      const x = rows.x.narrow(0, 0, 1);
      const [{ value: shown = Number.NaN } = {}] = predict(session, { inputs: Array.from(floats(x)) }).scores.slice(-1);
      const value = reference.answers(x, { compiled: false }).at(-1) ?? Number.NaN;
      if (session.prepared.images === undefined)
        differences.same("the case that is tried", one(shown), one(info.task === "number" ? back(value) : value));
    }
  }

  /** A program, a lane and a repeated run end at this one's state. */
  async again(): Promise<void> {
    const { session, differences, state } = this;
    const { train, test } = session.now();
    if (Number.isFinite(train.loss)) {
      const { difference } = await exportRun(session, "typescript", undefined);
      // A program evaluates its loss eagerly, whose sum may round differently from the compiled one.
      const scale = Math.max(1, Math.abs(train.loss));
      if (!(difference <= 16 * 2 ** -23 * scale))
        differences.found.push(`the program ends ${difference} beside ${train.loss}`);
    }
    if (state.seed % 4 !== 0 || session.step !== state.step) return;
    const lanes = await Lanes.open({ state, lanes: [] }, undefined);
    const [lane] = lanes.move({ steps: state.step });
    for (const figure of ["loss", "metric"] as const) {
      differences.same(`lane, train ${figure}`, one(lane?.train[figure]), one(train[figure]));
      differences.same(`lane, test ${figure}`, one(lane?.test?.[figure]), one(test?.[figure]));
    }
    const norms = this.view.layers().map(({ weightGrad }) => Math.hypot(...weightGrad));
    differences.same("lane, slopes", lane?.gradients, norms);
    const frame = (await filmOf(session, undefined)).frames.at(-1);
    // A film stops where it would take too long.
    if (frame === undefined || frame.step < session.step) return;
    differences.same("film, loss", one(frame.loss), one(train.loss));
    differences.same(
      "film, slopes",
      frame.layers.map(({ gradientNorm }) => gradientNorm),
      norms,
    );
  }

  /** Step: its values against the Trainer's own next step. */
  step(): void {
    const { session, reference, differences } = this;
    const rows = session.nextRows();
    const trace = stepThrough(session, { edits: [] });
    const before = reference.state();
    // A run with NaN continues from its state, as Step shows it.
    if (reference.trainer.failure !== undefined)
      reference.trainer.restore(reference.trainer.state(), { sameRun: true });
    const whole = reference.rowsOf("train", session.prepared.train.length);
    const open = reference.open({ x: whole.x.indexSelect(0, tensor(rows)), y: whole.y.indexSelect(0, tensor(rows)) });
    reference.step(rows.length);
    const written = reference.written();
    const value = (place: number | undefined) => (place === undefined ? undefined : open.values[place + 1]);
    const slope = (place: number | undefined) => (place === undefined ? undefined : open.slopes[place + 1]);
    differences.equal("Step, rows", trace.rows, rows.length);
    differences.same("Step, inputs", trace.x.values, open.values[0]);
    differences.same("Step, targets", trace.target, written.target);
    differences.same("Step, loss", trace.loss.values, [written.loss]);
    const after = reference.made();
    const parameter = ({ path, value: now, gradient, slots, updated, ticks }: ParameterNumbers): void => {
      differences.same(`Step, ${path}`, now.values, before.get(path));
      differences.same(`Step, slope of ${path}`, gradient.values, written.gradients.get(path));
      differences.same(`Step, ${path} after the step`, updated.values, after.get(path));
      for (const { name, before: was, after: is } of slots) {
        const known = before.get(`${path}.${name}`);
        if (known !== undefined) differences.same(`Step, ${path}.${name}`, was, known);
        differences.same(`Step, ${path}.${name} after the step`, is.values, after.get(`${path}.${name}`));
      }
      if (gradient.values.every((one) => Math.abs(one) < 1e3) && Math.abs(written.loss) < 1e3)
        differences.equal(`Step, ticks of ${path} that disagree`, ticks.filter((tick) => tick === 0).length, 0);
    };
    trace.layers.forEach((layer, place) => {
      const at = reference.places[place];
      if (at === undefined) return;
      const what = `Step, layer ${place + 1}`;
      differences.same(`${what}, z`, layer.z.values, value(at.layer));
      differences.same(`${what}, slope of z`, layer.delta.values, slope(at.layer));
      parameter(layer.weight);
      parameter(layer.bias);
      if (layer.norm !== undefined) {
        differences.same(`${what}, normalised`, layer.norm.values.values, value(at.norm));
        differences.same(`${what}, slope of the normalised`, layer.norm.delta.values, slope(at.norm));
        parameter(layer.norm.weight);
        parameter(layer.norm.bias);
        this.#norm(what, layer, layer.norm, rows.length);
      }
      const last = place === trace.layers.length - 1;
      if (last) {
        const sums = tensor(value(at.layer) ?? [], { shape: [rows.length, layer.units] });
        differences.same(`${what}, output`, layer.a.values, reference.read(sums));
        const { task } = session.prepared.info;
        const y = tensor(task === "number" ? written.target : Int32Array.from(written.target), {
          shape: task === "number" ? [rows.length, 1] : [rows.length],
        });
        differences.same("Step, loss of each row", trace.rowLosses, reference.rowLosses(sums, y));
      } else {
        differences.same(`${what}, a`, layer.a.values, value(at.activation));
        differences.same(`${what}, slope of a`, layer.aGradient?.values, slope(at.activation));
        const module = activations[layer.activation].module;
        const taken = value(at.norm ?? at.layer) ?? new Float32Array();
        differences.same(
          `${what}, slope of the activation`,
          layer.slope,
          floats(grad((z) => new nn[module]().forward(z).sum())(tensor(taken))),
        );
      }
      differences.same(`${what}, pooled`, layer.pool?.values.values, value(at.pool));
      differences.same(`${what}, after dropout`, layer.dropout?.values.values, value(at.dropout));
      if (layer.dropout !== undefined) this.#mask(what, layer, value(at.pool ?? at.activation));
      if (!last)
        differences.same(
          `${what}, slope of what it gives`,
          layer.back?.values,
          slope(at.dropout ?? at.pool ?? at.activation),
        );
    });
    session.advance(1);
    this.weights("after the step,");
  }

  /** Mean, deviation and standardised values, by their known formulas. */
  #norm(what: string, { z, units }: LayerStep, norm: NonNullable<LayerStep["norm"]>, rows: number): void {
    const size = z.values.length / (rows * units);
    const of = (unit: number): number[] =>
      Array.from({ length: rows * size }, (_, k) => {
        const [row, place] = [Math.floor(k / size), k % size];
        return z.values[(row * units + unit) * size + place] ?? 0;
      });
    const sums = Array.from({ length: units }, (_, unit) => of(unit));
    const mean = sums.map((values) => values.reduce((a, b) => a + b, 0) / values.length);
    const most = Math.max(...Array.from(z.values, Math.abs));
    this.differences.near(`${what}, mean`, [...norm.mean.values, most], [...mean, most], 8);
    const scaled = Array.from(norm.standard.values, (value, k) => {
      const unit = Math.floor(k / size) % units;
      return value * (norm.weight.value.values[unit] ?? 0) + (norm.bias.value.values[unit] ?? 0);
    });
    this.differences.near(`${what}, standardised`, scaled, norm.values.values, 8);
  }

  /** A factor is 0 if the Trainer's own step dropped the value, and 1/(1 − p) otherwise. */
  #mask(what: string, { dropout }: LayerStep, given: Float32Array | undefined): void {
    const factor = Math.fround(1 / (1 - this.state.dropout));
    const kept = dropout?.values.values.map((value) => (value === 0 ? 0 : factor));
    const factors = dropout?.factors.map((one, k) => ((given?.[k] ?? 0) === 0 ? 0 : one));
    this.differences.same(`${what}, factors of dropout`, factors, kept);
  }
}

/** The numbers of a state that differ from the library's own, in words; "" if none does, or if the state is refused. */
export async function differencesOf(state: StudioState): Promise<string> {
  const parts = ["go", "lab", "results", "again", "step"] as const;
  let walk: Walk | undefined;
  const problems: string[] = [];
  const attempt = async (body: () => void | Promise<void>): Promise<boolean> => {
    try {
      await body();
      return true;
    } catch (error) {
      const told = error instanceof Error ? error.message : String(error);
      if (!(error instanceof HebbError && refusals.some((sentence) => sentence.test(told))))
        problems.push(error instanceof Error ? (error.stack ?? told) : told);
      return false;
    }
  };
  const opened = await attempt(async () => {
    walk = new Walk(await Session.open(state, undefined));
  });
  if (!opened || walk === undefined) return problems.join("\n");
  const { differences } = walk;
  for (const part of parts) await attempt(() => walk?.[part]());
  return [...problems, ...differences.found].join("\n");
}
