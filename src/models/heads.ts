// Heads on pretrained bodies: classification of texts, tokens and images, and masked tokens.
import { functional, type Module as Layer, Linear, Module } from "../nn/index.ts";
import { arange, Parameter, type Tensor, zeros } from "../tensor/index.ts";
import type { ConvNext } from "./convnext.ts";
import { Decoder } from "./decoder.ts";
import type { ImageTransformer } from "./imageTransformer.ts";
import { type Activation, activationNamed } from "./parts/activation.ts";
import type { TextInputs } from "./parts/embeddings.ts";
import { type NormSpec, norm } from "./parts/norm.ts";
import type { ResNet } from "./resnet.ts";
import type { TextEncoder } from "./textEncoder.ts";

/** One class per text. */
export interface SequenceHead {
  readonly kind: "sequence";
  readonly classes: number;
  /** The vector that represents the text: the pooled one, that of the first token, or that of the last before the padding. */
  readonly take: "pooled" | "first" | { readonly kind: "last"; readonly padding: number | undefined };
  /** The activation of an extra layer before the last one. */
  readonly dense?: string;
  readonly bias: boolean;
  readonly dropout: number;
}

/** An optional layer with an activation, then the class scores. */
class ClassHead extends Module {
  readonly dense: Layer | undefined;
  readonly out: Layer;
  readonly dropout: number;
  readonly #activation: Activation;

  constructor(width: number, { classes, dense, bias, dropout }: Omit<SequenceHead, "kind" | "take">) {
    super();
    if (dense !== undefined) this.dense = new Linear(width, width);
    this.out = new Linear(width, classes, { bias });
    this.dropout = dropout;
    this.#activation = activationNamed(dense ?? "linear");
  }

  forward(x: Tensor): Tensor {
    const inner = this.dense === undefined ? x : this.#activation(this.dense.forward(x));
    return this.out.forward(functional.dropout(inner, this.dropout, this.training));
  }
}

/** ids [N, L] → [N, classes] */
export class TextClassifier extends Module<Tensor, [ids: Tensor, inputs?: TextInputs]> {
  readonly body: Decoder | TextEncoder;
  readonly head: ClassHead;
  readonly take: SequenceHead["take"];

  constructor(body: Decoder | TextEncoder, spec: SequenceHead) {
    super();
    this.body = body;
    this.head = new ClassHead(body.width, spec);
    this.take = spec.take;
  }

  forward(ids: Tensor, inputs: TextInputs = {}): Tensor {
    const hidden = this.body.forward(ids, inputs);
    if (typeof this.take === "object") return this.head.forward(lastOf(hidden, ids, this.take.padding));
    if (this.take === "first" || this.body instanceof Decoder) return this.head.forward(hidden.select(1, 0));
    return this.head.forward(this.body.pooled(hidden));
  }
}

/** The state of the last token before the padding: [N, width]. */
function lastOf(hidden: Tensor, ids: Tensor, padding: number | undefined): Tensor {
  const [batch = 0, length = 0, width = 0] = hidden.shape;
  if (padding === undefined) return hidden.select(1, length - 1);
  const place = ids.ne(padding).to("int32").mul(arange(length)).amax(1);
  return hidden.reshape([batch * length, width]).indexSelect(0, arange(batch).mul(length).add(place));
}

/** ids [N, L] → [N, L, classes] */
export class TokenClassifier extends Module<Tensor, [ids: Tensor, inputs?: TextInputs]> {
  readonly body: TextEncoder;
  readonly head: Layer;
  readonly dropout: number;

  constructor(body: TextEncoder, classes: number, dropout: number) {
    super();
    this.body = body;
    this.head = new Linear(body.width, classes);
    this.dropout = dropout;
  }

  forward(ids: Tensor, inputs: TextInputs = {}): Tensor {
    return this.head.forward(functional.dropout(this.body.forward(ids, inputs), this.dropout, this.training));
  }
}

/** A layer, an activation and a norm, then the scores of all tokens. */
class MaskedHead extends Module<Tensor, [x: Tensor, table: Tensor]> {
  readonly dense: Layer;
  readonly norm: Layer;
  readonly out: Layer | undefined;
  readonly bias: Parameter;
  readonly #activation: Activation;

  constructor(
    width: number,
    vocabulary: number,
    spec: { readonly activation: string; readonly norm: NormSpec; readonly tied: boolean },
  ) {
    super();
    this.dense = new Linear(width, width);
    this.norm = norm(width, spec.norm);
    if (!spec.tied) this.out = new Linear(width, vocabulary, { bias: false });
    this.bias = new Parameter(zeros([vocabulary]));
    this.#activation = activationNamed(spec.activation);
  }

  forward(x: Tensor, table: Tensor): Tensor {
    const inner = this.norm.forward(this.#activation(this.dense.forward(x)));
    return (this.out === undefined ? functional.linear(inner, table) : this.out.forward(inner)).add(this.bias);
  }
}

/** ids [N, L] → logits [N, L, vocabulary] */
export class MaskedLanguageModel extends Module<Tensor, [ids: Tensor, inputs?: TextInputs]> {
  readonly body: TextEncoder;
  readonly head: MaskedHead;

  constructor(body: TextEncoder, spec: { readonly activation: string; readonly eps: number; readonly tied: boolean }) {
    super();
    this.body = body;
    const { activation, eps, tied } = spec;
    this.head = new MaskedHead(body.width, body.spec.embeddings.vocabulary, {
      activation,
      norm: { kind: "layer", eps },
      tied,
    });
  }

  forward(ids: Tensor, inputs: TextInputs = {}): Tensor {
    return this.head.forward(this.body.forward(ids, inputs), this.body.embeddings.tokens.weight);
  }
}

/** pixels [N, channels, height, width] → [N, classes] */
export class ImageClassifier extends Module {
  readonly body: ImageTransformer | ResNet | ConvNext;
  readonly head: Layer;

  constructor(body: ImageTransformer | ResNet | ConvNext, classes: number) {
    super();
    this.body = body;
    this.head = new Linear(body.width, classes);
  }

  forward(pixels: Tensor): Tensor {
    return this.head.forward(this.body.pooled(this.body.forward(pixels)));
  }
}
