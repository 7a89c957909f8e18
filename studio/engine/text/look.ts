// A text model's view of one text: attention, next tokens, the prediction of each layer; and its embeddings in a plane.
import { noGrad, type Tensor, tensor } from "../../../src/index.ts";
import type { Look, Projection } from "../../shared/textPicture.ts";
import { keptFloats } from "../kept.ts";
import { principal } from "../principal.ts";
import type { TextModel } from "./models.ts";
import type { TextData } from "./textData.ts";

/** The most tokens drawn in the plane. */
const mostProjected = 160;
/** The most tokens of a text, limited by legibility. */
export const mostLooked = 48;

/** The beginning of the held-out part: the default text. */
export function defaultPrompt(data: TextData): Int32Array {
  if (data.kind === "corpus") return data.held.tokens.slice(0, Math.min(20, data.context));
  return Int32Array.from(data.held.features.data.subarray(0, data.context));
}

export class Looking {
  readonly #model: TextModel;
  readonly #data: TextData;
  readonly #look: (tokens: Tensor) => Float32Array[];
  readonly #projected: readonly number[];
  #axes: readonly [Float64Array, Float64Array] | undefined;

  constructor(model: TextModel, data: TextData) {
    this.#model = model;
    this.#data = data;
    this.#look = keptFloats((tokens) =>
      noGrad(() => {
        if (tokens === undefined) return [];
        const { logits, hidden, attention } = model.watch(tokens);
        const said = hidden.flatMap((values) => {
          const chances = model.read(values).softmax(-1);
          return [values.square().sum(-1).sqrt(), chances.argmax(-1).to("float32"), chances.amax(-1)];
        });
        return [logits, ...said, ...attention];
      }),
    );
    this.#projected = this.#frequent();
  }

  /** The most frequent tokens, in the order of their ids. */
  #frequent(): number[] {
    const { train, tokens } = this.#data;
    const all = tokens.names.map((_, token) => token);
    if (all.length <= mostProjected) return all;
    const counts = new Float64Array(all.length);
    const own = "tokens" in train ? train.tokens : train.features.data;
    for (const token of own) counts[token] = (counts[token] ?? 0) + 1;
    return all
      .sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a - b)
      .slice(0, mostProjected)
      .sort((a, b) => a - b);
  }

  /** The tokens of a text that are shown. */
  seen(prompt: string): Int32Array {
    const { context, tokens } = this.#data;
    const encoded = prompt === "" ? defaultPrompt(this.#data) : tokens.encode(prompt);
    const found = encoded.length === 0 ? defaultPrompt(this.#data) : encoded;
    return found.slice(-Math.min(context, mostLooked));
  }

  /** Examines the last tokens of a text, as many as fit into the model's context; the default text if it is empty. */
  look(prompt: string): Look {
    const { context, tokens } = this.#data;
    const seen = this.seen(prompt);
    const n = seen.length;
    const padded = new Int32Array(context);
    padded.set(seen);
    const { module, size } = this.#model;
    module.eval();
    const [logits = new Float32Array(), ...rest] = this.#look(tensor(padded, { shape: [1, context] }));
    module.train();
    const stages = size.layers + 1;
    const part = (which: number): Float32Array => {
      const out = new Float32Array(stages * n);
      for (let stage = 0; stage < stages; stage++) out.set(rest[3 * stage + which]?.subarray(0, n) ?? [], stage * n);
      return out;
    };
    const maps = rest.slice(3 * stages);
    const heads = maps.length > 0 ? size.heads : 0;
    const attention = new Float32Array(maps.length * heads * n * n);
    maps.forEach((map, layer) => {
      for (let row = 0; row < heads * n; row++) {
        const [head, place] = [Math.floor(row / n), row % n];
        const from = (head * context + place) * context;
        attention.set(map.subarray(from, from + n), (layer * heads * n + row) * n);
      }
    });
    return {
      tokens: seen,
      layers: maps.length,
      heads,
      attention,
      logits: logits.slice(0, n * size.vocabulary),
      norms: part(0),
      said: Int32Array.from(part(1)),
      surely: part(2),
      unknown: [
        ...new Set([...prompt].filter((letter) => letter.trim() !== "" && tokens.encode(letter).length === 0)),
      ].join(""),
    };
  }

  /** The embeddings in the plane of their largest differences, rotated as little as possible since the last time. */
  projection(): Projection {
    const { embedding } = this.#model;
    const width = embedding.shape[1] ?? 1;
    const weights = embedding.dataSync();
    const rows = this.#projected.map((token) =>
      Float64Array.from({ length: width }, (_, k) => weights[token * width + k] ?? 0),
    );
    const mean = Float64Array.from(
      { length: width },
      (_, k) => rows.reduce((sum, row) => sum + (row[k] ?? 0), 0) / rows.length,
    );
    const centred = rows.map((row) => row.map((value, k) => value - (mean[k] ?? 0)));
    const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0);
    const found = principal(centred);
    const before = this.#axes;
    const axes = found.directions.map((axis, k) => {
      const old = before?.[k];
      return old !== undefined && dot(axis, old) < 0 ? axis.map((value) => -value) : axis;
    });
    const [x = new Float64Array(width), y = new Float64Array(width)] = axes;
    this.#axes = [x, y];
    return {
      tokens: Int32Array.from(this.#projected),
      x: Float32Array.from(centred, (row) => dot(row, x)),
      y: Float32Array.from(centred, (row) => dot(row, y)),
      share: found.share,
    };
  }
}
