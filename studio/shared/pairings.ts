// Combinations that rarely work: a warning with the reason and a better choice, never an error.
import { activations, type TaskKind } from "./names.ts";
import type { StudioState } from "./state.ts";

export interface Pairing {
  readonly id: string;
  readonly text: string;
  readonly why: string;
  /** The change that mends it: "Run both" compares the two. */
  readonly better: Partial<StudioState>;
}

export function pairings(state: StudioState, task: TaskKind): Pairing[] {
  const found: Pairing[] = [];
  const { loss, layers, init, lr, optimizer } = state;
  if (task === "binary" && (loss === "mse" || loss === "l1" || loss === "huber"))
    found.push({
      id: "mse",
      text: `${loss === "mse" ? "MSE" : loss === "l1" ? "MAE" : "Huber"} after sigmoid: the gradient vanishes when the network is confidently wrong.`,
      why: "The slope passes through σ′(z) = p(1 − p), which is near 0 wherever p is near 0 or 1, right or wrong. Cross-entropy cancels that factor: its slope is p − y.",
      better: { loss: "bce" },
    });
  if (task === "classes" && loss !== "crossEntropy")
    found.push({
      id: "mse",
      text: "A distance after softmax: the gradient vanishes when the network is confidently wrong.",
      why: "The slope passes through the softmax, which is flat wherever one class has nearly all the probability. Cross-entropy cancels that factor: its slope is p − y.",
      better: { loss: "crossEntropy" },
    });
  if (layers.length > 0 && layers.every(({ activation }) => activation === "identity"))
    found.push({
      id: "linear",
      text: "No activation anywhere: these layers together are one line.",
      why: "A matrix times a matrix is a matrix. Without a bend between them, any number of layers computes what one layer can.",
      better: { layers: layers.map((layer) => ({ ...layer, activation: "tanh" as const })) },
    });
  const saturating = layers.filter(({ activation }) => activation === "sigmoid").length;
  if (saturating >= 4)
    found.push({
      id: "vanishing",
      text: `${saturating} sigmoid layers in a row: the first ones hardly learn.`,
      why: "σ′ is at most ¼, so the gradient shrinks by that much or more at every layer on its way back.",
      better: { layers: layers.map((layer) => ({ ...layer, activation: "relu" as const })) },
    });
  if (init === "zeros" && layers.length > 0)
    found.push({
      id: "zeros",
      text: "All weights start at zero: every unit of a layer stays like the others.",
      why: "Units with equal weights get equal gradients, and so remain equal for ever. Random weights break the symmetry.",
      better: { init: "default" },
    });
  const sharp = layers.find(({ activation }) => ["relu", "leakyRelu", "gelu", "silu"].includes(activation));
  if (init === "large" && layers.length > 0)
    found.push({
      id: "large",
      text: "Large initial weights: units start saturated or explode with depth.",
      why: `Each layer multiplies the spread of its inputs by about √n. ${sharp === undefined ? "Xavier" : "He"} weights keep it even.`,
      better: { init: sharp === undefined ? "xavier" : "he" },
    });
  if ((optimizer === "adam" || optimizer === "adamw" || optimizer === "rmsprop") && lr >= 0.3)
    found.push({
      id: "lr",
      text: `${optimizer === "rmsprop" ? "RMSProp" : "Adam"} with learning rate ${lr}: every weight moves by about that much at every step.`,
      why: "These optimizers divide by the size of the gradient, so the learning rate is nearly the length of each step itself.",
      better: { lr: 0.01 },
    });
  return found;
}

/** What a change is called in a lane's name. */
export function patchTitle(patch: Partial<StudioState>): string {
  const parts = Object.entries(patch).map(([key, value]) => {
    if (key === "layers") {
      const layers = patch.layers ?? [];
      const kinds = [...new Set(layers.map(({ activation }) => activations[activation].title))];
      return layers.length === 0
        ? "no hidden layer"
        : `${layers.map(({ units }) => units).join("·")} ${kinds.join("/")}`;
    }
    return `${key} ${String(value)}`;
  });
  return parts.join(", ");
}
