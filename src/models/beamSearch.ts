// Beam search: follows the most likely continuations of a prompt, token by token.
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { CachedModel } from "./cachedModel.ts";
import type { CausalLanguageModel } from "./decoder.ts";
import { tokenCount } from "./generation.ts";
import { penalise } from "./sampling.ts";

export interface BeamOptions {
  /** Maximum number of new tokens. Default: until the cache is full. */
  readonly maxNewTokens?: number;
  /** The score is Σ log p / tokens^lengthPenalty: above 0 favours longer texts, below 0 shorter ones. Default 1. */
  readonly lengthPenalty?: number;
  /**
   * When to end the search, once there are as many complete texts as beams: true, at once; false, when the best open text is worse than the
   * worst of them; "never", when it could not become better at any length. Default false.
   */
  readonly earlyStopping?: boolean | "never";
  /** Above 1, repeated tokens become less likely. Default 1. */
  readonly repetitionPenalty?: number;
  /** A text is complete after one of these tokens. */
  readonly stop?: readonly number[];
}

/** A resulting text. */
export interface Beam {
  /** The tokens after the prompt; the last may be one of `stop`. */
  readonly tokens: readonly number[];
  /** Σ log p / tokens^lengthPenalty. */
  readonly score: number;
}

const kinds: OptionKinds<BeamOptions> = {
  maxNewTokens: kind.number,
  lengthPenalty: kind.number,
  earlyStopping: kind.of('true, false or "never"', (value) => typeof value === "boolean" || value === "never"),
  repetitionPenalty: kind.number,
  stop: kind.numbers,
};

/** An unfinished text: its tokens, Σ log p, and its row of the cache. */
interface Open {
  readonly tokens: readonly number[];
  readonly sum: number;
  readonly row: number;
}

type Settings = Required<BeamOptions>;

/**
 * Searches with `numBeams` beams over a cache for `length` tokens. Source: `GenerationMixin.generate(num_beams=…)` of transformers 5, with
 * the same texts and scores.
 */
export class BeamSearch {
  readonly #cached: CachedModel;
  /** Searches share the cache, so they run one after another. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(model: CausalLanguageModel, length: number, numBeams: number) {
    if (!(Number.isSafeInteger(numBeams) && numBeams >= 1))
      throw new HebbError(`BeamSearch: numBeams must be a whole number of at least 1, got ${numBeams}`);
    this.#cached = new CachedModel("BeamSearch", model, { length, rows: numBeams });
  }

  /** The memory of the cache, in bytes. */
  get cacheBytes(): number {
    return this.#cached.cache.bytes;
  }

  /** At most `numBeams` texts after the prompt, the best first. */
  search(prompt: ArrayLike<number>, options: BeamOptions = {}): Promise<readonly Beam[]> {
    const found = this.#last.then(() => this.#search(prompt, options));
    this.#last = found.catch(() => undefined);
    return found;
  }

  async #search(prompt: ArrayLike<number>, options: BeamOptions): Promise<readonly Beam[]> {
    const settings = settingsOf(options);
    const given = this.#cached.checkedPrompt(prompt);
    const longest = Math.min(settings.maxNewTokens, this.#cached.cache.shape.length - given.length);
    if (longest <= 0) return [];
    const { model } = this.#cached;
    const training = model.training;
    model.eval();
    try {
      return await this.#follow(given, longest, settings);
    } finally {
      model.train(training);
    }
  }

  async #follow(prompt: readonly number[], longest: number, settings: Settings): Promise<readonly Beam[]> {
    const { rows: beams, model } = this.#cached;
    const { vocabulary } = model.body.spec.embeddings;
    const kept = Math.max(2, 1 + settings.stop.length) * beams;
    let open: readonly Open[] = [{ tokens: [], sum: 0, row: 0 }];
    let complete: readonly Beam[] = [];
    let logits = await this.#cached.read(prompt);
    for (let length = 1; ; length++) {
      const candidates = continuations(open, { logits, vocabulary, prompt, kept, penalty: settings.repetitionPenalty });
      const ends = ({ tokens }: Open): boolean => length === longest || settings.stop.includes(at(tokens, length - 1));
      // A text that ends outside the best is no better than those that continue.
      const ended = candidates.slice(0, beams).filter(ends);
      complete = [...complete, ...ended.map((one) => scored(one, settings))]
        .sort((a, b) => b.score - a.score)
        .slice(0, beams);
      open = candidates.filter((one) => !ends(one)).slice(0, beams);
      if (open.length === 0 || isOver(open, complete, { beams, length, longest, settings })) return complete;
      const rows = Array.from({ length: beams }, (_, row) => open[row] ?? at(open, 0));
      logits = await this.#cached.next(
        rows.map(({ tokens }) => at(tokens, length - 1)),
        prompt.length + length - 1,
        rows.map(({ row }) => row),
      );
    }
  }
}

const scored = ({ tokens, sum }: Open, { lengthPenalty }: Settings): Beam => ({
  tokens,
  score: sum / tokens.length ** lengthPenalty,
});

/** Whether no open text can replace a complete one. */
function isOver(
  open: readonly Open[],
  complete: readonly Beam[],
  {
    beams,
    length,
    longest,
    settings,
  }: { readonly beams: number; readonly length: number; readonly longest: number; readonly settings: Settings },
): boolean {
  if (complete.length < beams) return false;
  if (settings.earlyStopping === true) return true;
  const { lengthPenalty } = settings;
  const hoped = settings.earlyStopping === "never" && lengthPenalty > 0 ? longest : length;
  return at(open, 0).sum / hoped ** lengthPenalty <= at(complete, complete.length - 1).score;
}

interface Read {
  /** [beams · vocabulary]; row r belongs to the r-th open text. */
  readonly logits: ArrayLike<number>;
  readonly vocabulary: number;
  readonly prompt: readonly number[];
  /** The number of continuations to keep. */
  readonly kept: number;
  readonly penalty: number;
}

/** The most likely continuations by one token, best first; ties by beam and token. */
function continuations(open: readonly Open[], { logits, vocabulary, prompt, kept, penalty }: Read): Open[] {
  const best: { row: number; token: number; sum: number }[] = [];
  const logShares = new Float64Array(vocabulary);
  for (const [row, { tokens, sum }] of open.entries()) {
    logSoftmaxOf(logits, row * vocabulary, logShares);
    penalise(logShares, [...prompt, ...tokens], penalty);
    for (let token = 0; token < vocabulary; token++) {
      const own = sum + at(logShares, token);
      if (best.length === kept && !(own > at(best, kept - 1).sum)) continue;
      const place = best.findLastIndex((other) => other.sum >= own) + 1;
      best.splice(place, 0, { row, token, sum: own });
      if (best.length > kept) best.pop();
    }
  }
  return best.map(({ row, token, sum }) => ({ tokens: [...at(open, row).tokens, token], sum, row }));
}

/** log softmax(x)ᵢ = xᵢ − max − log Σ exp(xⱼ − max), over as many values as `out` has. */
function logSoftmaxOf(x: ArrayLike<number>, start: number, out: Float64Array): void {
  let [top, sum] = [Number.NEGATIVE_INFINITY, 0];
  for (let place = 0; place < out.length; place++) top = Math.max(top, at(x, start + place));
  for (let place = 0; place < out.length; place++) sum += Math.exp(at(x, start + place) - top);
  const whole = top + Math.log(sum);
  for (let place = 0; place < out.length; place++) out[place] = at(x, start + place) - whole;
}

function settingsOf(options: BeamOptions): Settings {
  const {
    maxNewTokens = Number.POSITIVE_INFINITY,
    lengthPenalty = 1,
    earlyStopping = false,
    repetitionPenalty = 1,
    stop = [],
  } = checkOptions("BeamSearch", options, kinds);
  checkKind("BeamSearch", "maxNewTokens", maxNewTokens, tokenCount);
  if (!Number.isFinite(lengthPenalty))
    throw new HebbError(`BeamSearch: lengthPenalty must be a finite number, got ${lengthPenalty}`);
  if (!(repetitionPenalty > 0 && Number.isFinite(repetitionPenalty)))
    throw new HebbError(`BeamSearch: repetitionPenalty must be above 0, got ${repetitionPenalty}`);
  return { maxNewTokens, lengthPenalty, earlyStopping, repetitionPenalty, stop };
}
