// A causal language model with a key–value cache: two programs, one for prompt pieces and one for single tokens, serve every position.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { type Compiled, compile, noGrad, type Tensor, tensor } from "../tensor/index.ts";
import { CausalLanguageModel } from "./decoder.ts";
import type { KeyValueCache } from "./parts/cache.ts";

/** Tokens of the prompt per pass. */
const chunk = 32;

export class CachedModel {
  readonly model: CausalLanguageModel;
  readonly cache: KeyValueCache;
  readonly #owner: string;
  readonly #step: Compiled<[ids: Tensor, start: Tensor, last: Tensor, parents: Tensor], Tensor>;

  /** `rows` texts of the same prompt, each of at most `length` tokens; `owner` is the name in errors. */
  constructor(owner: string, model: CausalLanguageModel, { length, rows }: { length: number; rows: number }) {
    if (!(model instanceof CausalLanguageModel))
      throw new HebbError(
        `${owner}: takes a causal language model, got ${kind.describe(model)}; load one with { head: "causal" }`,
      );
    this.#owner = owner;
    this.model = model;
    const cache = model.body.makeCache(length, rows);
    this.cache = cache;
    this.#step = compile((ids: Tensor, start: Tensor, last: Tensor, parents: Tensor) =>
      noGrad(() => {
        const from = rows === 1 ? undefined : parents;
        return model.logits(model.body.step(ids, start, cache, from).indexSelect(1, last)).flatten();
      }),
    );
  }

  /** The number of traced programs. */
  get signatures(): number {
    return this.#step.signatures();
  }

  checkedPrompt(prompt: ArrayLike<number>): readonly number[] {
    const given = Array.from(prompt);
    const { length } = this.cache.shape;
    const { vocabulary } = this.model.body.spec.embeddings;
    if (given.length < 1 || given.length >= length)
      throw new HebbError(
        `${this.#owner}: the prompt has ${given.length} tokens and must have 1 to ${length - 1}, as the cache holds ${length}`,
      );
    const wrong = given.find((token) => !(Number.isInteger(token) && token >= 0 && token < vocabulary));
    if (wrong !== undefined)
      throw new HebbError(
        `${this.#owner}: the prompt has the token ${wrong}, which is outside the vocabulary of ${vocabulary}`,
      );
    return given;
  }

  /** Reads the prompt in pieces of one length. The last is padded; later tokens overwrite the padding before it becomes visible. */
  async read(prompt: readonly number[]): Promise<ArrayLike<number>> {
    const { rows } = this;
    const own = Array.from({ length: rows }, (_, row) => row);
    const repeated = (piece: readonly number[]): number[] => own.flatMap(() => piece);
    if (prompt.length === 1) return this.next(repeated(prompt), 0, own);
    let logits: ArrayLike<number> = [];
    for (let start = 0; start < prompt.length; start += chunk) {
      const piece = prompt.slice(start, start + chunk);
      const filled = [...piece, ...Array.from({ length: chunk - piece.length }, () => 0)];
      logits = await this.#run(repeated(filled), { start, last: piece.length - 1, parents: own });
    }
    return logits;
  }

  get rows(): number {
    return this.cache.shape.batch;
  }

  /** Logits [rows · vocabulary] after one more token in each row, at position `start`; row r continues the former row `parents[r]`. */
  next(tokens: readonly number[], start: number, parents: readonly number[]): Promise<ArrayLike<number>> {
    return this.#run(tokens, { start, last: 0, parents });
  }

  #run(
    ids: readonly number[],
    { start, last, parents }: { start: number; last: number; parents: readonly number[] },
  ): Promise<ArrayLike<number>> {
    return this.#step(
      tensor(Int32Array.from(ids)).reshape([this.rows, ids.length / this.rows]),
      tensor(Int32Array.of(start)),
      tensor(Int32Array.of(last)),
      tensor(Int32Array.from(parents)),
    ).data();
  }
}
