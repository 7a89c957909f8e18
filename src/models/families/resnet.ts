// ResNet (He et al. 2016).
import { HebbError } from "../../graph/errors.ts";
import type { Family } from "../family.ts";

export const resnet: Family = {
  type: "resnet",
  prefix: "resnet.",
  read(config) {
    config.idle("out_features", "out_indices", "stage_names");
    const [widths, depths] = [config.counts("hidden_sizes"), config.counts("depths")];
    if (widths.length !== depths.length)
      throw new HebbError(`${config.place}: hidden_sizes has ${widths.length} entries and depths ${depths.length}`);
    return {
      kind: "resnet",
      spec: {
        channels: config.count("num_channels", 3),
        stem: config.count("embedding_size", 64),
        widths,
        depths,
        layer: config.only("layer_type", "bottleneck", "basic") === "basic" ? "basic" : "bottleneck",
        activation: config.activation("hidden_act", "relu"),
        downsampleFirst: config.boolean("downsample_in_first_stage", false),
        downsampleInBottleneck: config.boolean("downsample_in_bottleneck", false),
      },
    };
  },
  names: {
    "stem.convolution": "embedder.embedder.convolution",
    "stem.norm": "embedder.embedder.normalization",
    "stages.*.*.shortcut.convolution": "encoder.stages.*.layers.*.shortcut.convolution",
    "stages.*.*.shortcut.norm": "encoder.stages.*.layers.*.shortcut.normalization",
    "stages.*.*.layers.*.convolution": "encoder.stages.*.layers.*.layer.*.convolution",
    "stages.*.*.layers.*.norm": "encoder.stages.*.layers.*.layer.*.normalization",
  },
  heads: {
    none: { read: () => ({ kind: "none", pooler: false }), names: {} },
    image: {
      read: (config) => ({ kind: "image", classes: config.labels().length }),
      names: { head: "classifier.1" },
    },
  },
  architectures: { ResNetModel: "none", ResNetForImageClassification: "image" },
  idle: [],
  elsewhere: [/^classifier\./],
  loraTargets: ["convolution"],
};
