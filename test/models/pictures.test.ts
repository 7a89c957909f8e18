// Preprocessed pictures against transformers' image processors, with figures of test/golden/models/pictures.py.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Picture } from "../../src/data/index.ts";
import { filesOf, ImageProcessor } from "../../src/models/index.ts";
import { folderOf, named, tensorsIn } from "./golden.ts";

/** Edges, slopes and noise, as in the script. */
function picture(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        const noise = (x * 73 + y * 151 + c * 31 + x * y * 17 + x * x * 5) % 97;
        const edge = (Math.floor(x / 5) + Math.floor(y / 3)) % 2 === 0 ? 230 : 10;
        data[(y * width + x) * 3 + c] = (edge + noise + c * 40) % 256;
      }
  return { width, height, channels: 3, data };
}

interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  readonly width: number;
  readonly height: number;
}
const cases: readonly Case[] = JSON.parse(readFileSync(folderOf("pictures.json"), "utf8"));
const figures = tensorsIn("pictures.safetensors");
const processorOf = (config: object): Promise<ImageProcessor> =>
  ImageProcessor.from(
    filesOf("a model", { "preprocessor_config.json": new TextEncoder().encode(JSON.stringify(config)) }),
  );

describe("ImageProcessor", () => {
  it.each(cases.map((one, place) => [`${one.config["image_processor_type"]} ${place}`, one, place] as const))(
    "gives transformers' pixels: %s",
    async (_, { config, width, height }, place) => {
      const pixels = (await processorOf(config)).pixels(picture(width, height));
      const expected = named(figures, String(place));
      expect(pixels.shape).toEqual(expected.shape);
      // Another byte would make a difference of a hundredth; a rounding of float32 makes one of 1e-7.
      const largest = Math.max(1, expected.abs().amax().itemSync());
      expect(pixels.sub(expected).abs().amax().itemSync() / largest).toBeLessThan(1e-6);
    },
  );

  it("uses the defaults of each kind, and accepts grey pictures", async () => {
    const vit = await processorOf({ image_processor_type: "ViTImageProcessor" });
    expect([vit.size, vit.processing.mean]).toEqual([
      [224, 224],
      [0.5, 0.5, 0.5],
    ]);
    const clip = await processorOf({ feature_extractor_type: "CLIPFeatureExtractor", size: 20, crop_size: 18 });
    expect(clip.processing.steps).toEqual({ resize: { kind: "shortest", length: 20, by: "bicubic" }, crop: [18, 18] });
    const grey = { width: 2, height: 1, channels: 1, data: Uint8Array.of(0, 255) } as const;
    const plain = await processorOf({ image_processor_type: "ViTImageProcessorFast", do_resize: false });
    expect([plain.size, plain.pixels(grey).toArraySync()]).toEqual([undefined, Array(3).fill([[-1, 1]])]);
  });

  it.each([
    [{ do_pad: true }, "do_pad = true is not known"],
    [{ size_divisor: 32 }, "size_divisor = 32 is not known"],
    [{ size: { longest_edge: 30 } }, 'size is {"longest_edge":30}'],
    [{ size: { height: 30 } }, 'size is {"height":30}'],
    [{ resample: 9 }, "resample is 9"],
    [{ image_std: [0, 1, 1] }, "those of image_std above 0"],
    [{ image_mean: [1, 1] }, "three numbers each"],
    [{ image_processor_type: "OwlViTImageProcessor" }, '"OwlViTImageProcessor", which is not supported'],
    [{ image_processor_type: "ConvNextImageProcessor", size: { height: 9, width: 9 } }, "size is"],
  ])("refuses %o by name", async (more, message) => {
    await expect(processorOf({ image_processor_type: "ViTImageProcessor", ...more })).rejects.toThrow(message);
  });
});
