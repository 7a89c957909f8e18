// A family of pretrained models: how its configuration is read, and the names of its weights, as data.
import type { Architecture, Head, HeadName } from "./architecture.ts";
import type { Config } from "./config.ts";
import type { Names } from "./names.ts";

/** A head of a family, and the names of its weights. */
export interface FamilyHead {
  readonly read: (config: Config) => Head;
  readonly names: Names;
}

export interface Family {
  /** `model_type` of config.json. */
  readonly type: string;
  /** What stands before the names of the body where there is a head. */
  readonly prefix: string;
  readonly read: (config: Config) => Architecture;
  readonly heads: Readonly<Partial<Record<HeadName, FamilyHead>>>;
  /** Which head each entry of `architectures` has. */
  readonly architectures: Readonly<Record<string, HeadName>>;
  readonly names: Names;
  /** What transformers 5 calls the body's weights in memory, and so in adapters, where its files keep older names. */
  readonly inMemory?: Names;
  /** Entries of files that are not weights: masks, counts, copies of tied weights. */
  readonly idle: readonly RegExp[];
  /** Entries that belong to parts or heads which are not built. */
  readonly elsewhere: readonly RegExp[];
  /** The layers that LoRA adapts unless it is told others, as PEFT has them. */
  readonly loraTargets: readonly string[];
}
