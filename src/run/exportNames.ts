// The export formats of a run, by name, and the report of an export.
/** Formats with only arrays. */
export const arrayNames = ["safetensors", "npz", "torch", "json"] as const;
export type ArrayName = (typeof arrayNames)[number];
/** "onnx": the network with its preprocessing. "module": the same as a TypeScript file. */
export const exportNames = [...arrayNames, "onnx", "module"] as const;
export type ExportName = (typeof exportNames)[number];

export interface ExportReport {
  readonly path: string;
  readonly to: ExportName;
  readonly bytes: number;
  readonly arrays: number;
  readonly parameters: number;
  /** The largest difference between a written value and the value read back. */
  readonly difference: number;
  /** The same for the model's outputs with the weights read back; null without a model to run. */
  readonly outputs: number | null;
  readonly notes: readonly string[];
}
