// Adapters in PEFT's format: reads and writes adapter_config.json and adapter_model.safetensors.
import { type HostArray, type JsonObject, readSafetensors, writeSafetensors } from "../formats/index.ts";
import { aNumber, anObject, aString } from "../formats/json.ts";
import { HebbError } from "../graph/errors.ts";
import { sameShape } from "../graph/shape.ts";
import { bytesIn, jsonIn, type PretrainedFiles } from "./files.ts";
import { addLora, type Lora, type LoraOptions } from "./lora.ts";
import type { Pretrained } from "./pretrained.ts";
import { storedNameOf, toStored } from "./weights.ts";

const root = "base_model.model.";

const tasks: Readonly<Partial<Record<Pretrained["head"], string>>> = {
  causal: "CAUSAL_LM",
  sequence: "SEQ_CLS",
  tokens: "TOKEN_CLS",
  none: "FEATURE_EXTRACTION",
};

/** The names of a head's modules in files, by their first part. */
function headModules({ model, family, head }: Pretrained): readonly string[] {
  const names = model
    .namedParameters()
    .filter(([path]) => path.startsWith("head."))
    .map(([path]) => storedNameOf(family, head, path).name.split(".")[0] ?? "");
  return [...new Set(names)];
}

/** adapter_config.json and adapter_model.safetensors of an adapted model. */
export function adapterFiles({ pretrained, entries, settings }: Lora): Record<string, Uint8Array> {
  const { family, head, name, model } = pretrained;
  const { rank, alpha, dropout, targets, rankStabilized } = settings;
  const saved = settings.head ? headModules(pretrained) : [];
  const config = {
    peft_type: "LORA",
    task_type: tasks[head] ?? null,
    base_model_name_or_path: name,
    inference_mode: true,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: dropout,
    target_modules: targets,
    modules_to_save: saved.length > 0 ? saved : null,
    bias: "none",
    fan_in_fan_out: Object.values(family.names).some((entry) => typeof entry === "object" && entry.transposed === true),
    use_rslora: rankStabilized,
    use_dora: false,
    init_lora_weights: true,
    rank_pattern: {},
    alpha_pattern: {},
    layers_to_transform: null,
    layers_pattern: null,
    revision: null,
  };
  const tensors: Record<string, HostArray> = Object.create(null);
  for (const { name: layer, layer: adapted } of entries) {
    tensors[`${root}${layer}.lora_A.weight`] = toStored(adapted.loraA, { name: layer });
    tensors[`${root}${layer}.lora_B.weight`] = toStored(adapted.loraB, { name: layer });
  }
  if (settings.head)
    for (const [path, parameter] of model.namedParameters())
      if (path.startsWith("head.")) {
        const stored = storedNameOf(family, head, path);
        tensors[`${root}${stored.name}`] = toStored(parameter, stored);
      }
  return {
    "adapter_config.json": new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`),
    "adapter_model.safetensors": writeSafetensors(tensors, { format: "pt" }),
  };
}

/** Values that a plain LoRA may have for these keys; others are refused. */
const plain: Readonly<Record<string, readonly unknown[]>> = {
  peft_type: ["LORA"],
  bias: ["none"],
  use_dora: [false],
  lora_bias: [false],
  layers_to_transform: [],
  layers_pattern: [],
  layer_replication: [],
  megatron_config: [],
  target_parameters: [],
  trainable_token_indices: [],
  exclude_modules: [],
  use_qalora: [false],
  alora_invocation_tokens: [],
  arrow_config: [],
  corda_config: [],
};

const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === "object" && Object.keys(value).length === 0);

function optionsOf(config: JsonObject, place: string): LoraOptions {
  for (const [key, values] of Object.entries(plain)) {
    const value = config[key];
    if (!isNothing(value) && !values.includes(value))
      throw new HebbError(
        `${place}: ${key} is ${JSON.stringify(value)?.slice(0, 80)}, which is not supported; the adapter must be a plain LoRA`,
      );
  }
  if (!isNothing(config["alpha_pattern"]) || !isNothing(config["rank_pattern"]))
    throw new HebbError(`${place}: rank_pattern and alpha_pattern are not supported; all layers must have one rank`);
  const targets = config["target_modules"];
  return {
    rank: aNumber(config["r"], `${place}: r`),
    alpha: aNumber(config["lora_alpha"], `${place}: lora_alpha`),
    dropout: isNothing(config["lora_dropout"]) ? 0 : aNumber(config["lora_dropout"], `${place}: lora_dropout`),
    targets: Array.isArray(targets)
      ? targets.map((target: unknown) => aString(target, `${place}: target_modules`))
      : aString(targets, `${place}: target_modules`),
    rankStabilized: config["use_rslora"] === true,
    head: !isNothing(config["modules_to_save"]),
  };
}

/** Adapts a model with an adapter from PEFT or `adapterFiles`. */
export async function loadAdapter(pretrained: Pretrained, files: PretrainedFiles): Promise<Lora> {
  const place = `${files.name}/adapter_config.json`;
  const config = await jsonIn(files, "adapter_config.json");
  const bytes = await bytesIn(files, "adapter_model.safetensors");
  if (config === undefined || bytes === undefined)
    throw new HebbError(`${files.name} must have adapter_config.json and adapter_model.safetensors`);
  const { tensors } = readSafetensors(bytes, { name: `${files.name}/adapter_model.safetensors` });
  const lora = addLora(pretrained, optionsOf(anObject(config, place), place));
  const left = new Map(Object.entries(tensors));
  const take = (name: string, shape: readonly number[]): HostArray => {
    const found = left.get(name);
    left.delete(name);
    if (found === undefined) throw new HebbError(`${files.name}: the adapter has no ${name}`);
    if (!sameShape(found.shape, shape))
      throw new HebbError(`${files.name}: ${name} is [${found.shape.join(", ")}] and must be [${shape.join(", ")}]`);
    return found;
  };
  try {
    for (const { name, layer } of lora.entries) {
      layer.loraA.assign(take(`${root}${name}.lora_A.weight`, layer.loraA.shape).data);
      layer.loraB.assign(take(`${root}${name}.lora_B.weight`, layer.loraB.shape).data);
    }
    const { family, head, model } = pretrained;
    for (const [path, parameter] of model.namedParameters()) {
      const stored = path.startsWith("head.") ? storedNameOf(family, head, path) : undefined;
      const name = `${root}${stored?.name ?? ""}`;
      if (stored !== undefined && left.has(name)) parameter.assign(take(name, parameter.shape).data);
    }
    if (left.size > 0)
      throw new HebbError(
        `${files.name}: the adapter has ${[...left.keys()].slice(0, 4).join(", ")}, for which this model has no place`,
      );
  } catch (error) {
    lora.remove();
    throw error;
  }
  return lora;
}
