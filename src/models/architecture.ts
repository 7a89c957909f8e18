// From a configuration to an architecture: the sizes of a body and its head, and the module they describe.
import { HebbError } from "../graph/errors.ts";
import type { AnyModule } from "../nn/index.ts";
import { AudioEncoder, type AudioEncoderSpec } from "./audioEncoder.ts";
import { Clip, type ClipSpec } from "./clip.ts";
import { ConvNext, type ConvNextSpec } from "./convnext.ts";
import { CausalLanguageModel, Decoder, type DecoderSpec } from "./decoder.ts";
import { ImageClassifier, MaskedLanguageModel, type SequenceHead, TextClassifier, TokenClassifier } from "./heads.ts";
import { ImageTransformer, type ImageTransformerSpec } from "./imageTransformer.ts";
import { ResNet, type ResNetSpec } from "./resnet.ts";
import { TextEncoder, type TextEncoderSpec } from "./textEncoder.ts";

/** A body. To add one, add a member; `build` then fails to compile until it handles it. */
export type Architecture =
  | { readonly kind: "decoder"; readonly spec: DecoderSpec }
  | { readonly kind: "textEncoder"; readonly spec: TextEncoderSpec }
  | { readonly kind: "imageTransformer"; readonly spec: ImageTransformerSpec }
  | { readonly kind: "resnet"; readonly spec: ResNetSpec }
  | { readonly kind: "convnext"; readonly spec: ConvNextSpec }
  | { readonly kind: "audioEncoder"; readonly spec: AudioEncoderSpec }
  | { readonly kind: "clip"; readonly spec: ClipSpec };

export const headNames = ["none", "causal", "masked", "sequence", "tokens", "image"] as const;
/** The output of a model: hidden states, next tokens, masked tokens, a class for each text, token or image. */
export type HeadName = (typeof headNames)[number];

export type Head =
  | { readonly kind: "none"; readonly pooler: boolean }
  | { readonly kind: "causal"; readonly tied: boolean }
  | { readonly kind: "masked"; readonly activation: string; readonly eps: number; readonly tied: boolean }
  | SequenceHead
  | { readonly kind: "tokens"; readonly classes: number; readonly dropout: number }
  | { readonly kind: "image"; readonly classes: number };

/** All module types of pretrained models. */
export type PretrainedModule =
  | Decoder
  | CausalLanguageModel
  | TextEncoder
  | TextClassifier
  | TokenClassifier
  | MaskedLanguageModel
  | ImageTransformer
  | ResNet
  | ConvNext
  | ImageClassifier
  | AudioEncoder
  | Clip;

const pooled = (head: Head): boolean =>
  (head.kind === "none" && head.pooler) || (head.kind === "sequence" && head.take === "pooled");

export function build(architecture: Architecture, head: Head): PretrainedModule {
  switch (architecture.kind) {
    case "decoder": {
      const body = new Decoder(architecture.spec);
      if (head.kind === "none") return body;
      if (head.kind === "causal") return new CausalLanguageModel(body, head.tied);
      if (head.kind === "sequence") return new TextClassifier(body, head);
      return refused(architecture, head);
    }
    case "textEncoder": {
      const body = new TextEncoder(architecture.spec, pooled(head));
      if (head.kind === "none") return body;
      if (head.kind === "sequence") return new TextClassifier(body, head);
      if (head.kind === "tokens") return new TokenClassifier(body, head.classes, head.dropout);
      if (head.kind === "masked") return new MaskedLanguageModel(body, head);
      return refused(architecture, head);
    }
    case "imageTransformer":
      return images(architecture, head, new ImageTransformer(architecture.spec, pooled(head)));
    case "resnet":
      return images(architecture, head, new ResNet(architecture.spec));
    case "convnext":
      return images(architecture, head, new ConvNext(architecture.spec));
    case "audioEncoder":
      return head.kind === "none" ? new AudioEncoder(architecture.spec) : refused(architecture, head);
    case "clip":
      return head.kind === "none" ? new Clip(architecture.spec) : refused(architecture, head);
  }
}

function images<B extends ImageTransformer | ResNet | ConvNext>(
  architecture: Architecture,
  head: Head,
  body: B,
): B | ImageClassifier {
  if (head.kind === "none") return body;
  return head.kind === "image" ? new ImageClassifier(body, head.classes) : refused(architecture, head);
}

function refused({ kind }: Architecture, head: Head): never {
  throw new HebbError(`a ${kind} takes no head "${head.kind}"`);
}

/** The body of a model with a head, or the model itself. */
export const bodyOf = (model: PretrainedModule): AnyModule => ("body" in model ? model.body : model);
