// ConvNeXt (Liu et al. 2022).
import { HebbError } from "../../graph/errors.ts";
import type { Family } from "../family.ts";

export const convnext: Family = {
  type: "convnext",
  prefix: "convnext.",
  read(config) {
    config.idle("out_features", "out_indices", "stage_names", "image_size", "num_stages", "drop_path_rate");
    const [widths, depths] = [config.counts("hidden_sizes"), config.counts("depths")];
    if (widths.length !== depths.length)
      throw new HebbError(`${config.place}: hidden_sizes has ${widths.length} entries and depths ${depths.length}`);
    return {
      kind: "convnext",
      spec: {
        channels: config.count("num_channels", 3),
        patch: config.count("patch_size", 4),
        widths,
        depths,
        activation: config.activation("hidden_act", "gelu"),
        layerScale: config.number("layer_scale_init_value", 1e-6),
        eps: config.number("layer_norm_eps", 1e-12),
      },
    };
  },
  names: {
    patches: "embeddings.patch_embeddings",
    "patch_norm.norm": "embeddings.layernorm",
    "stages.*.downsampling.norm.norm": "encoder.stages.*.downsampling_layer.0",
    "stages.*.downsampling.convolution": "encoder.stages.*.downsampling_layer.1",
    "stages.*.layers.*.depthwise": "encoder.stages.*.layers.*.dwconv",
    "stages.*.layers.*.norm": "encoder.stages.*.layers.*.layernorm",
    "stages.*.layers.*.up": "encoder.stages.*.layers.*.pwconv1",
    "stages.*.layers.*.down": "encoder.stages.*.layers.*.pwconv2",
    "stages.*.layers.*.scale": "encoder.stages.*.layers.*.layer_scale_parameter",
    norm: "layernorm",
  },
  heads: {
    none: { read: () => ({ kind: "none", pooler: false }), names: {} },
    image: {
      read: (config) => ({ kind: "image", classes: config.labels().length }),
      names: { head: "classifier" },
    },
  },
  architectures: { ConvNextModel: "none", ConvNextForImageClassification: "image" },
  idle: [],
  elsewhere: [/^classifier\./],
  loraTargets: ["pwconv1", "pwconv2"],
};
