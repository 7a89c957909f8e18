// The normalisation used throughout a transformer.
import { LayerNorm, type Module, RMSNorm } from "../../nn/index.ts";

export interface NormSpec {
  readonly kind: "layer" | "rms";
  readonly eps: number;
}

export function norm(width: number, { kind, eps }: NormSpec): Module {
  switch (kind) {
    case "layer":
      return new LayerNorm(width, { eps });
    case "rms":
      return new RMSNorm(width, { eps });
  }
}
