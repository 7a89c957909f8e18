// The formats that a run can be exported to, by name, and what an export reports.
/** Arrays alone. */
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
  /** The largest difference of a value that was read back from the one that was written. */
  readonly difference: number;
  /** The same of the outputs of the model with the weights that were read back; null where there is no model to run. */
  readonly outputs: number | null;
  readonly notes: readonly string[];
}
