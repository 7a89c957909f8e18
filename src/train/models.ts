// Networks from plain descriptions, so that a run folder rebuilds its model without code.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { sizeOf } from "../graph/shape.ts";
import * as nn from "../nn/index.ts";
import { Gpt } from "./models/gpt.ts";
import { LstmLanguage } from "./models/lstm.ts";
import { averages, Tabular, type TabularOptions } from "./models/tabular.ts";
import {
  type ActivationName,
  activationNames,
  activations,
  type LanguageName,
  languageNames,
  modelNames,
  type NetworkName,
  networkNames,
} from "./names.ts";

/** A network from samples to outputs. */
export interface NetworkDescription {
  readonly kind: NetworkName;
  /** Shape of one sample. */
  readonly inputShape: readonly number[];
  readonly outputs: number;
  /** Widths of the hidden layers; for a cnn those after the convolutions. */
  readonly hidden: readonly number[];
  readonly activation: ActivationName;
  readonly dropout: number;
}

/** A network for the features of a table: an ensemble in one network, with numbers embedded by their quantiles. */
export interface TabularDescription extends Omit<TabularOptions, "features" | "activation"> {
  readonly kind: "tabular";
  /** [features]. */
  readonly inputShape: readonly number[];
  readonly activation: ActivationName;
}

/** A model of text. */
export interface LanguageDescription {
  readonly kind: LanguageName;
  /** [context]: the number of tokens that it sees at once. */
  readonly inputShape: readonly number[];
  /** The number of different tokens. */
  readonly outputs: number;
  readonly layers: number;
  /** The width of each token's embedding. */
  readonly width: number;
  /** The number of attention heads; 1 for an lstm. */
  readonly heads: number;
  readonly dropout: number;
}

/** Everything that determines a model's structure. */
export type ModelDescription = NetworkDescription | TabularDescription | LanguageDescription;

export const isLanguage = (description: ModelDescription): description is LanguageDescription =>
  description.kind === "gpt" || description.kind === "lstm";

/** The activation of that name, as a module. */
export function makeActivation(name: ActivationName): nn.Module {
  checkKind("makeActivation", "name", name, kind.oneOf(...activationNames));
  // biome-ignore lint/performance/noDynamicNamespaceImportAccess: the table names the class, so that a row is all an activation needs
  return new nn[activations[name].module]();
}

/** Hidden layers with their activations (and dropout), then the output layer. */
function dense(inputs: number, { hidden, outputs, activation: name, dropout }: NetworkDescription): nn.Module[] {
  const layers: nn.Module[] = [];
  let width = inputs;
  for (const next of hidden) {
    layers.push(new nn.Linear(width, next), makeActivation(name));
    if (dropout > 0) layers.push(new nn.Dropout(dropout));
    width = next;
  }
  return [...layers, new nn.Linear(width, outputs)];
}

/** Two convolutions of 3×3 with 16 and 32 maps, each with an activation and a pool of 2×2; then dense layers. */
function convolutional(description: NetworkDescription): nn.Module {
  const [channels, height, width] = description.inputShape;
  if (channels === undefined || height === undefined || width === undefined || height < 4 || width < 4) {
    throw new HebbError(
      `model "cnn" takes images of at least 4×4 pixels, but one sample has shape [${description.inputShape.join(", ")}]; use --model mlp`,
    );
  }
  const pooled = (extent: number): number => Math.floor(Math.floor(extent / 2) / 2);
  return new nn.Sequential(
    new nn.Conv2d(channels, 16, 3, { padding: 1 }),
    makeActivation(description.activation),
    new nn.MaxPool2d(2),
    new nn.Conv2d(16, 32, 3, { padding: 1 }),
    makeActivation(description.activation),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    ...dense(32 * pooled(height) * pooled(width), description),
  );
}

const sharedKinds = { inputShape: kind.numbers, outputs: kind.number, dropout: kind.number };
const networkKinds: OptionKinds<NetworkDescription> = {
  ...sharedKinds,
  kind: kind.oneOf(...networkNames),
  hidden: kind.numbers,
  activation: kind.oneOf(...activationNames),
};
const tabularKinds: OptionKinds<TabularDescription> = {
  ...sharedKinds,
  kind: kind.oneOf("tabular"),
  hidden: kind.numbers,
  activation: kind.oneOf(...activationNames),
  members: kind.number,
  numbers: kind.numbers,
  bins: kind.number,
  embedding: kind.number,
  average: kind.oneOf(...averages),
};
const languageKinds: OptionKinds<LanguageDescription> = {
  ...sharedKinds,
  kind: kind.oneOf(...languageNames),
  layers: kind.number,
  width: kind.number,
  heads: kind.number,
};

function checkDescription(description: ModelDescription): void {
  checkKind(
    "buildModel",
    "the description",
    description,
    kind.of<object>('an object such as { kind: "mlp", … }', isObject),
  );
  checkKind("buildModel", "kind", description.kind, kind.oneOf(...modelNames));
  if (isLanguage(description)) checkOptions("buildModel", description, languageKinds);
  else if (description.kind === "tabular") checkOptions("buildModel", description, tabularKinds);
  else checkOptions("buildModel", description, networkKinds);
}
const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

/** Builds the network. Its parameters are drawn with the current seed. */
export function buildModel(description: ModelDescription): nn.Module {
  checkDescription(description);
  switch (description.kind) {
    case "gpt": {
      const { outputs, inputShape, layers, width, heads, dropout } = description;
      return new Gpt({ vocabulary: outputs, context: inputShape[0] ?? 1, layers, width, heads, dropout });
    }
    case "lstm": {
      const { outputs, layers, width, dropout } = description;
      return new LstmLanguage({ vocabulary: outputs, layers, width, dropout });
    }
    case "mlp": {
      const flat: nn.Module[] = description.inputShape.length > 1 ? [new nn.Flatten()] : [];
      // Neighbouring pixels carry similar information, so dropping some costs little and keeps the network from relying on single ones.
      if (flat.length > 0 && description.dropout > 0) flat.push(new nn.Dropout(description.dropout));
      return new nn.Sequential(...flat, ...dense(sizeOf(description.inputShape), description));
    }
    case "cnn":
      return convolutional(description);
    case "tabular": {
      const { kind: _, inputShape, activation, ...options } = description;
      return new Tabular({ ...options, features: sizeOf(inputShape), activation: makeActivation(activation) });
    }
    case "perceptron":
      if (description.outputs !== 1)
        throw new HebbError(
          'model "perceptron" is one neuron and decides between two classes, but this target has more; use --model mlp',
        );
      return new nn.Perceptron(sizeOf(description.inputShape));
  }
}
