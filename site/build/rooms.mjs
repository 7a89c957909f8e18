// The rooms that raise errors: the subject of their messages, and a remedy for messages without one.

export const rooms = [
  {
    room: "graph",
    title: "shapes and operations",
    about:
      "An operation was given sizes, dtypes or options that it is not defined for. The message names the operation and what it was given.",
    remedy:
      "print `x.shape` and `x.dtype` of the values before the line that fails, and compare them with the operation in the reference.",
  },
  {
    room: "compiler",
    title: "the compiler",
    about: "A program was traced, but it cannot be compiled.",
    remedy: "call the function without `compile` to see which line computes the value in the message.",
  },
  {
    room: "backends",
    title: "backends",
    about: "The machine lacks something that a backend needs, or a program is too large for it.",
    remedy:
      'run `hebb doctor`, which shows what each backend found, or choose another: `useBackend({ backend: "wasm" })`.',
  },
  {
    room: "runtime",
    title: "devices and memory",
    about: "A value is read, moved or kept in a way that its device does not allow.",
    remedy:
      "look at `backendInfo()` and `memoryInfo()`: they name the device, its threads and what lies in its memory.",
  },
  {
    room: "tensor",
    title: "tensors",
    about: "A method of a tensor, a compiled function or a gradient was called with something that does not fit.",
    remedy: "compare the call with its signature in the reference; the message begins with the name of the function.",
  },
  {
    room: "nn",
    title: "layers and losses",
    about:
      "A layer was built with options that contradict each other, or was given an input of another shape than it was built for.",
    remedy:
      "print `model.summary()` to see the shapes from layer to layer; the message begins with the path of the layer.",
  },
  {
    room: "optim",
    title: "optimizers and schedules",
    about: "An option is outside its range, or a saved state belongs to another model.",
    remedy: "compare the option with its range in the reference of the optimizer.",
  },
  {
    room: "data",
    title: "data",
    about: "A file, a column or a cell does not have the expected format or type.",
    remedy:
      "look at the named row and column of the file; `hebb train FILE --explain-data` shows how each column was read.",
  },
  {
    room: "formats",
    title: "files of weights, ONNX and runs",
    about: "A file is damaged, of another version, or holds something that has no counterpart here.",
    remedy:
      "run `hebb inspect FILE`, which lists the contents of the file, and download or write it again if it is damaged.",
  },
  {
    room: "train",
    title: "training",
    about: "The options of a training contradict each other or the data.",
    remedy: "compare the options with the tables in [Training](../training.md).",
  },
  {
    room: "models",
    title: "pretrained models",
    about: "The folder of a pretrained model is incomplete, or describes an unsupported model.",
    remedy: "run `hebb inspect FOLDER`, and compare with the families in [Pretrained models](../models.md).",
  },
  {
    room: "testing",
    title: "tests of tensors",
    about: "The values to compare are not tensors, or a tolerance is out of range.",
    remedy: "see [Testing](../testing.md).",
  },
  {
    room: "run",
    title: "runs",
    about: "A job, a run folder or a request to a served run does not fit.",
    remedy: "look at `config.json` in the run folder: it says what the run was trained on.",
  },
  {
    room: "cli",
    title: "the command line",
    about: "A command was given options or files that do not fit.",
    remedy: "add `--help` to the command: it lists the options with their ranges.",
  },
];
