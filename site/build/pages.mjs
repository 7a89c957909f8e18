// The pages of the site: the file of the project behind each one, and its place in the sidebar.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** [address, file of the project, title in the sidebar]. */
export const sections = [
  {
    text: "Start",
    items: [["start", "docs/start.md", "Start in five minutes"]],
  },
  {
    text: "Guides",
    items: [
      ["guides/tables", "docs/guides/tables.md", "Tables"],
      ["guides/pictures", "docs/guides/pictures.md", "Images"],
      ["guides/text", "docs/guides/text.md", "Text"],
      ["guides/loop", "docs/guides/loop.md", "Your own loop"],
      ["serving", "docs/serving.md", "Serving"],
      ["guides/exporting", "docs/guides/exporting.md", "Exporting"],
      ["models", "docs/models.md", "Pretrained models"],
      ["studio", "docs/studio.md", "The Studio"],
      ["embedding", "docs/embedding.md", "The Studio in other pages"],
    ],
  },
  {
    text: "Concepts",
    items: [["concepts", "docs/concepts.md", "Concepts, with examples"]],
  },
  {
    text: "Coming from",
    items: [
      ["from/pytorch", "docs/from/pytorch.md", "PyTorch"],
      ["from/keras", "docs/from/keras.md", "Keras"],
      ["from/tensorflowjs", "docs/from/tensorflowjs.md", "TensorFlow.js"],
      ["from/scikit-learn", "docs/from/scikit-learn.md", "scikit-learn"],
      ["pytorch", "docs/pytorch.md", "Every name of PyTorch"],
    ],
  },
  {
    text: "In detail",
    items: [
      ["library", "docs/library.md", "The library"],
      ["training", "docs/training.md", "Training"],
      ["data", "docs/data.md", "Data"],
      ["layers", "docs/layers.md", "Layers"],
      ["optimizers", "docs/optimizers.md", "Optimizers"],
      ["doctor", "docs/doctor.md", "The doctor"],
      ["formats", "docs/formats.md", "Array files"],
      ["onnx", "docs/onnx.md", "ONNX"],
      ["webgpu", "docs/webgpu.md", "WebGPU"],
      ["distributed", "docs/distributed.md", "Many processes"],
      ["testing", "docs/testing.md", "Testing"],
    ],
  },
  {
    text: "Performance",
    items: [
      ["performance", "docs/performance.md", "Fast programs"],
      ["benchmarks", "docs/benchmarks.md", "Benchmarks"],
      ["contractions", "docs/contractions.md", "Matrix products, convolutions"],
    ],
  },
  {
    text: "Errors",
    items: [["errors", "docs/errors.md", "Common errors"]],
  },
  {
    text: "Internals",
    items: [
      ["internals/architecture", "ARCHITECTURE.md", "Architecture"],
      ["internals/graph", "src/graph/README.md", "The graph"],
      ["internals/compiler", "src/compiler/README.md", "The compiler"],
      ["internals/backends", "src/backends/README.md", "Backends"],
      ["internals/runtime", "src/runtime/README.md", "The runtime"],
      ["internals/formats", "src/formats/README.md", "Formats"],
      ["internals/run", "src/run/README.md", "Runs"],
      ["internals/contributing", "CONTRIBUTING.md", "Contributing"],
      ["op-table", "docs/op-table.md", "Every op, tested"],
      ["mutants", "docs/mutants.md", "Planted faults"],
    ],
  },
];

// A page of docs/ without a place above comes at the end of "In detail", under its own title.
const docs = fileURLToPath(new URL("../../docs", import.meta.url));
const listed = new Set(sections.flatMap(({ items }) => items.map(([, file]) => file)));
for (const path of readdirSync(docs, { recursive: true, encoding: "utf8" }).sort()) {
  const page = path.replaceAll("\\", "/");
  if (!page.endsWith(".md") || listed.has(`docs/${page}`)) continue;
  const title = /^# (.*)$/m.exec(readFileSync(`${docs}/${page}`, "utf8"))?.[1] ?? page;
  sections.find(({ text }) => text === "In detail")?.items.push([page.slice(0, -3), `docs/${page}`, title]);
}

/** The files of the project that are pages, by their paths, with their addresses. */
export const addresses = new Map(
  sections.flatMap(({ items }) => items.map(([address, file]) => [file, address])).concat([["README.md", "index"]]),
);
