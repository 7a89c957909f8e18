// Samples that a text model writes while it trains, token by token: free texts, or answers to held-out questions.
import { data, noGrad, type Tensor, tensor } from "../../../src/index.ts";
import { drawToken } from "../../../src/train/generate.ts";
import type { TextState } from "../../shared/text.ts";
import type { Samples } from "../../shared/textPicture.ts";
import { keptFloats } from "../kept.ts";
import type { TextModel } from "./models.ts";
import type { TextData } from "./textData.ts";

const texts = { count: 3, tokens: 72 } as const;
const answers = 8;
/** A separate stream for the draws of each step. */
const drawStream = 0x53414d50;

export type Drawing = Pick<TextState, "temperature" | "topK" | "seed">;

export class Writing {
  readonly #model: TextModel;
  readonly #data: TextData;
  readonly #next: (tokens: Tensor, place: Tensor) => Float32Array[];

  constructor(model: TextModel, data: TextData) {
    this.#model = model;
    this.#data = data;
    this.#next = keptFloats((tokens, place) =>
      noGrad(() =>
        tokens === undefined || place === undefined
          ? []
          : [
              model.module
                .forward(tokens)
                .indexSelect(1, place)
                .reshape([tokens.shape[0] ?? 1, model.size.vocabulary]),
            ],
      ),
    );
  }

  /** Logits after the last token of each row; all rows have the same length. */
  #logits(rows: readonly (readonly number[])[]): (row: number) => Float32Array {
    const { context } = this.#data;
    const { module, size } = this.#model;
    const padded = new Int32Array(rows.length * context);
    let length = 0;
    rows.forEach((row, place) => {
      const seen = row.slice(-context);
      length = seen.length;
      padded.set(seen, place * context);
    });
    module.eval();
    const [all = new Float32Array()] = this.#next(
      tensor(padded, { shape: [rows.length, context] }),
      tensor(Int32Array.of(length - 1)),
    );
    module.train();
    return (row) => all.subarray(row * size.vocabulary, (row + 1) * size.vocabulary);
  }

  /** Writes samples at this step; yields after every token. */
  *write(step: number, drawing: Drawing): Generator<undefined, Samples> {
    return this.#data.kind === "task" ? yield* this.#answer(step, this.#data) : yield* this.#texts(step, drawing);
  }

  *#answer(
    step: number,
    { held, heldSequences, question, context, tokens }: TextData & { readonly kind: "task" },
  ): Generator<undefined, Samples> {
    const sequences = heldSequences.slice(0, answers);
    const rows = sequences.map((_, row) =>
      Array.from(held.features.data.subarray(row * context, row * context + question)),
    );
    const length = context - question + 1;
    for (let place = 0; place < length; place++) {
      const logits = this.#logits(rows);
      rows.forEach((row, k) => {
        row.push(drawToken(logits(k), new data.Random(0), { temperature: 0, topK: undefined }));
      });
      yield;
    }
    // Names of several letters need a separator.
    const between = tokens.names.some((name) => name.length > 1) ? " " : "";
    return {
      kind: "answers",
      step,
      answers: sequences.map((sequence, row) => ({
        question: sequence.question.join(between),
        wanted: sequence.answer.join(between),
        given: (rows[row]?.slice(question) ?? []).map((token) => tokens.names[token] ?? "").join(between),
      })),
    };
  }

  *#texts(step: number, { temperature, topK, seed }: Drawing): Generator<undefined, Samples> {
    const { tokens, held } = this.#data as TextData & { readonly kind: "corpus" };
    const [first = held.tokens[0] ?? 0] = tokens.encode("\n");
    const random = new data.Random(seed, (drawStream + step) % 2 ** 32);
    const rows = Array.from({ length: texts.count }, () => [first]);
    for (let place = 0; place < texts.tokens; place++) {
      const logits = this.#logits(rows);
      rows.forEach((row, k) => {
        row.push(drawToken(logits(k), random, { temperature, topK: topK === 0 ? undefined : topK }));
      });
      yield;
    }
    return {
      kind: "texts",
      step,
      texts: rows.map((row) =>
        row
          .slice(1)
          .map((token) => tokens.names[token] ?? "")
          .join(""),
      ),
    };
  }
}
