// An LSTM that reads tokens and predicts the logits of the next one.
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import * as nn from "../../nn/index.ts";
import type { Tensor } from "../../tensor/index.ts";

export interface LstmLanguageOptions {
  /** The number of different tokens. */
  readonly vocabulary: number;
  readonly layers: number;
  /** The width of each token's embedding, and of each state. */
  readonly width: number;
  readonly dropout: number;
}

const kinds: OptionKinds<LstmLanguageOptions> = {
  vocabulary: kind.number,
  layers: kind.number,
  width: kind.number,
  dropout: kind.number,
};

/** Tokens [B, T] → logits of the next token [B, T, vocabulary]. Every window starts with a zero state. Source: Hochreiter and Schmidhuber 1997. */
export class LstmLanguage extends nn.Module {
  readonly embedding: nn.Embedding;
  readonly lstm: nn.LSTM;
  readonly drop: nn.Dropout;
  readonly head: nn.Linear;

  constructor(options: LstmLanguageOptions) {
    super();
    const { vocabulary, layers, width, dropout } = checkOptions("LstmLanguage", options, kinds);
    this.embedding = new nn.Embedding(vocabulary, width);
    this.lstm = new nn.LSTM(width, width, { numLayers: layers, batchFirst: true, dropout: layers > 1 ? dropout : 0 });
    this.drop = new nn.Dropout(dropout);
    this.head = new nn.Linear(width, vocabulary);
  }

  override forward(tokens: Tensor): Tensor {
    const [output] = this.lstm.forward(this.embedding.forward(tokens));
    return this.head.forward(this.drop.forward(output));
  }
}
