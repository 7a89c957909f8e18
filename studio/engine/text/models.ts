// The models of texts: the library's GPT, and LSTM, GRU and RNN in the same frame, with widths for equal numbers of parameters.
import { nn, Tensor } from "../../../src/index.ts";
import { Gpt, type GptOptions } from "../../../src/train/index.ts";
import type { ModelName, TextState } from "../../shared/text.ts";

/** Recurrent networks ignore `heads` and use the rest. */
export type ModelSize = GptOptions;

/** The values of a forward pass that are shown. */
export interface Watched {
  /** [B, T, vocabulary] */
  readonly logits: Tensor;
  /** The value at each position before the first layer and after each: [B, T, width]. */
  readonly hidden: readonly Tensor[];
  /** For each layer the attention of each head, [B, heads, T, T]; empty without attention. */
  readonly attention: readonly Tensor[];
}

export interface TextModel {
  readonly name: ModelName;
  readonly size: ModelSize;
  readonly module: nn.Module;
  /** The weight of the token embeddings. */
  readonly embedding: nn.Parameter;
  watch(tokens: Tensor): Watched;
  /** The logits for a layer's values as if it were the last. */
  read(hidden: Tensor): Tensor;
}

type Cell = nn.LSTM | nn.GRU | nn.RNN;
type RecurrentName = Exclude<ModelName, "gpt">;

function cellOf(name: RecurrentName, width: number): Cell {
  switch (name) {
    case "lstm":
      return new nn.LSTM(width, width, { batchFirst: true });
    case "gru":
      return new nn.GRU(width, width, { batchFirst: true });
    case "rnn":
      return new nn.RNN(width, width, { batchFirst: true });
  }
}

/** Tokens [B, T] → logits of the next token [B, T, vocabulary], through recurrent layers. */
class RecurrentLanguage extends nn.Module {
  readonly embedding: nn.Embedding;
  readonly layers: nn.ModuleList<Cell>;
  readonly drop: nn.Dropout;
  readonly head: nn.Linear;

  constructor(name: RecurrentName, { vocabulary, layers, width, dropout }: ModelSize) {
    super();
    this.embedding = new nn.Embedding(vocabulary, width);
    this.layers = new nn.ModuleList(Array.from({ length: layers }, () => cellOf(name, width)));
    this.drop = new nn.Dropout(dropout);
    this.head = new nn.Linear(width, vocabulary);
  }

  /** The value at each position before the first layer and after each. */
  hidden(tokens: Tensor): Tensor[] {
    const all = [this.embedding.forward(tokens)];
    for (const layer of this.layers) all.push(this.drop.forward(outputOf(layer, all.at(-1) ?? tokens)));
    return all;
  }

  override forward(tokens: Tensor): Tensor {
    return this.head.forward(this.hidden(tokens).at(-1) ?? tokens);
  }
}

const outputOf = (cell: Cell, x: Tensor): Tensor => cell.forward(x)[0];

function recurrent(name: RecurrentName, size: ModelSize): TextModel {
  const module = new RecurrentLanguage(name, size);
  return {
    name,
    size,
    module,
    embedding: module.embedding.weight,
    watch: (tokens) => {
      const hidden = module.hidden(tokens);
      const last = hidden.at(-1);
      return { logits: module.head.forward(last ?? tokens), hidden, attention: [] };
    },
    read: (hidden) => module.head.forward(hidden),
  };
}

function transformer(size: ModelSize): TextModel {
  const module = new Gpt(size);
  // The hooks stay, so that no program is retraced; they keep values only while somebody watches.
  let seen: { readonly hidden: Tensor[]; readonly attention: Tensor[] } | undefined;
  for (const [path, part] of module.namedModules()) {
    if (path === "drop" || /^blocks\.\d+$/.test(path))
      part.registerForwardHook((_, output) => void (output instanceof Tensor && seen?.hidden.push(output)));
    else if (path.endsWith(".softmax"))
      part.registerForwardHook((_, output) => void (output instanceof Tensor && seen?.attention.push(output)));
  }
  return {
    name: "gpt",
    size,
    module,
    embedding: module.wte.weight,
    watch: (tokens) => {
      const own: { readonly hidden: Tensor[]; readonly attention: Tensor[] } = { hidden: [], attention: [] };
      seen = own;
      try {
        return { logits: module.forward(tokens), ...own };
      } finally {
        seen = undefined;
      }
    },
    read: (hidden) => module.head.forward(module.norm.forward(hidden)),
  };
}

/** Weights are drawn from the current generator. */
export const makeModel = (name: ModelName, size: ModelSize): TextModel =>
  name === "gpt" ? transformer(size) : recurrent(name, size);

/** The number of parameters of a model of this size. */
export function parameterCount(name: ModelName, { vocabulary, context, layers, width }: ModelSize): number {
  if (name === "gpt") return (2 * vocabulary + context) * width + layers * (12 * width ** 2 + 13 * width) + 2 * width;
  const gates = { lstm: 4, gru: 3, rnn: 1 }[name];
  return 2 * vocabulary * width + vocabulary + layers * gates * (2 * width ** 2 + 2 * width);
}

/** The largest number of heads up to `wanted` that divides the width. */
function headsOf(width: number, wanted: number): number {
  let heads = Math.min(wanted, width);
  while (width % heads !== 0) heads--;
  return heads;
}

export function sizeOf(state: TextState, vocabulary: number, context: number): ModelSize {
  const { layers, width, heads, dropout } = state;
  return { vocabulary, context, layers, width, heads: headsOf(width, heads), dropout };
}

/** The size at which a model has about as many parameters as another. */
export function matchedSize(name: ModelName, like: { readonly name: ModelName; readonly size: ModelSize }): ModelSize {
  if (name === like.name) return like.size;
  const wanted = parameterCount(like.name, like.size);
  // A transformer's width is a multiple of its heads.
  const step = name === "gpt" ? like.size.heads : 1;
  let best = { ...like.size, width: step };
  const off = (size: ModelSize): number => Math.abs(parameterCount(name, size) - wanted);
  for (let width = 2 * step; off({ ...best, width }) <= off(best); width += step) best = { ...best, width };
  return best;
}
