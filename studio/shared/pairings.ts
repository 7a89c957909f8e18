// Combinations that rarely work: a warning with the reason and a better choice, never an error.
import * as say from "../texts/en/names.ts";
import { activations, type TaskKind } from "./names.ts";
import type { StudioState } from "./state.ts";

export interface Pairing {
  readonly id: string;
  readonly text: string;
  readonly why: string;
  /** The change that fixes it: "Run both" compares the two. */
  readonly better: Partial<StudioState>;
}

export function pairings(state: StudioState, task: TaskKind): Pairing[] {
  const found: Pairing[] = [];
  const { loss, layers, init, lr, optimizer } = state;
  if (task === "binary" && (loss === "mse" || loss === "l1" || loss === "huber"))
    found.push({
      id: "mse",
      text: say.afterSigmoidTheGradientVanishes(loss === "mse" ? say.mse : loss === "l1" ? say.mae : say.huber),
      why: say.theSlopePassesThroughZP,
      better: { loss: "bce" },
    });
  if (task === "classes" && loss !== "crossEntropy")
    found.push({
      id: "mse",
      text: say.aDistanceAfterSoftmaxTheGradient,
      why: say.theSlopePassesThroughTheSoftmax,
      better: { loss: "crossEntropy" },
    });
  if (layers.length > 0 && layers.every(({ activation }) => activation === "identity"))
    found.push({
      id: "linear",
      text: say.noActivationAnywhereTheseLayers,
      why: say.aMatrixTimesAMatrixIs,
      better: { layers: layers.map((layer) => ({ ...layer, activation: "tanh" as const })) },
    });
  const saturating = layers.filter(({ activation }) => activation === "sigmoid").length;
  if (saturating >= 4)
    found.push({
      id: "vanishing",
      text: say.sigmoidLayersInARowThe(saturating),
      why: say.isAtMostSoTheGradient,
      better: { layers: layers.map((layer) => ({ ...layer, activation: "relu" as const })) },
    });
  if (init === "zeros" && layers.length > 0)
    found.push({
      id: "zeros",
      text: say.allWeightsStartAtZeroEvery,
      why: say.unitsWithEqualWeightsGetEqual,
      better: { init: "default" },
    });
  const sharp = layers.find(({ activation }) => ["relu", "leakyRelu", "gelu", "silu"].includes(activation));
  if (init === "large" && layers.length > 0)
    found.push({
      id: "large",
      text: say.largeInitialWeightsUnitsStart,
      why: say.eachLayerMultipliesTheSpreadOf(sharp === undefined ? say.xavier : say.he),
      better: { init: sharp === undefined ? "xavier" : "he" },
    });
  if ((optimizer === "adam" || optimizer === "adamw" || optimizer === "rmsprop") && lr >= 0.3)
    found.push({
      id: "lr",
      text: say.withLearningRateEveryWeightMoves(optimizer === "rmsprop" ? say.rMSProp : say.adam, lr),
      why: say.theseOptimizersDivideByTheSize,
      better: { lr: 0.01 },
    });
  return found;
}

/** The change's name in a lane. */
export function patchTitle(patch: Partial<StudioState>): string {
  const parts = Object.entries(patch).map(([key, value]) => {
    if (key === "layers") {
      const layers = patch.layers ?? [];
      const kinds = [...new Set(layers.map(({ activation }) => activations[activation].title))];
      return layers.length === 0
        ? say.noHiddenLayer
        : `${layers.map(({ units }) => units).join("·")} ${kinds.join("/")}`;
    }
    return `${key} ${String(value)}`;
  });
  return parts.join(", ");
}
