// Logs: the bytes of event files, checked against their definition; tables of epochs; lines of JSON.
import { describe, expect, test } from "vitest";
import { histogramOf } from "./callbacks/histograms.ts";
import { consoleLog } from "./consoleLog.ts";
import type { TrainEvent } from "./events.ts";
import { crc32c, csvLog, jsonlLog, record, tensorBoardLog } from "./logs.ts";

const epoch = (number: number, validation: Record<string, number> | null): TrainEvent => ({
  type: "epoch",
  epoch: number,
  step: 10 * (number + 1),
  lr: 0.01,
  train: { loss: 0.5 },
  validation,
  seconds: 1.5,
  best: true,
});

/** Fields of a protocol buffer message: number, wire type, and its value or bytes. */
function fields(bytes: Uint8Array): { field: number; value: number | Uint8Array }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: { field: number; value: number | Uint8Array }[] = [];
  let at = 0;
  const varint = (): number => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const [field, wire] = [key >> 3, key & 7];
    if (wire === 0) found.push({ field, value: varint() });
    else if (wire === 1) {
      found.push({ field, value: view.getFloat64(at, true) });
      at += 8;
    } else if (wire === 5) {
      found.push({ field, value: view.getFloat32(at, true) });
      at += 4;
    } else {
      const length = varint();
      found.push({ field, value: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return found;
}

const one = (bytes: Uint8Array, field: number): number | Uint8Array => {
  const found = fields(bytes).find((entry) => entry.field === field);
  if (found === undefined) throw new Error(`no field ${field}`);
  return found.value;
};
const bytesOf = (value: number | Uint8Array): Uint8Array => (typeof value === "number" ? new Uint8Array() : value);
const textOf = (value: number | Uint8Array): string => new TextDecoder().decode(bytesOf(value));

/** The records of a file, their checksums verified. */
function records(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset);
  const unmasked = (value: number): number => {
    const rotated = (value - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  const found: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    expect(unmasked(view.getUint32(at + 8, true))).toBe(crc32c(file.subarray(at, at + 8)));
    const bytes = file.subarray(at + 12, at + 12 + length);
    expect(unmasked(view.getUint32(at + 12 + length, true))).toBe(crc32c(bytes));
    found.push(bytes);
    at += length + 16;
  }
  return found;
}

describe("event files of TensorBoard", () => {
  test("CRC-32C gives the values of RFC 3720", () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, k) => k))).toBe(0x46dd794e);
  });

  test("a record is length, checksum, bytes, checksum", () => {
    const bytes = new TextEncoder().encode("hebb");
    expect(record(bytes).length).toBe(4 + 16);
    expect(records(record(bytes))).toEqual([bytes]);
  });

  test("the version, metrics, histograms and findings are where TensorBoard looks for them", () => {
    const parts: Uint8Array[] = [];
    const { event: listen } = tensorBoardLog(
      (bytes) => parts.push(bytes),
      () => 1234.5,
    );
    listen(epoch(0, { loss: 0.25, accuracy: 0.75 }));
    const histogram = histogramOf("0.weight", "weights", Float32Array.of(0, 1, 2, 3));
    listen({ type: "histograms", epoch: 0, step: 10, histograms: [histogram] });
    const finding = { code: "leak", what: "a", evidence: "b", why: "c", fix: "d", layer: null } as const;
    listen({ type: "finding", epoch: 0, step: 300, finding });
    const file = Uint8Array.from(parts.flatMap((part) => [...part]));
    const [version, figures, histograms, told] = records(file);
    if (version === undefined || figures === undefined || histograms === undefined || told === undefined)
      throw new Error("records are missing");
    expect(textOf(one(version, 3))).toBe("brain.Event:2");
    expect(one(figures, 1)).toBe(1234.5);
    expect(one(figures, 2)).toBe(10);
    const values = fields(bytesOf(one(figures, 5))).map(({ value }) => [
      textOf(one(bytesOf(value), 1)),
      one(bytesOf(value), 2),
    ]);
    expect(values).toEqual([
      ["train/loss", 0.5],
      ["validation/loss", 0.25],
      ["validation/accuracy", 0.75],
      ["learning rate", Math.fround(0.01)],
    ]);
    const shown = bytesOf(one(bytesOf(one(histograms, 5)), 1));
    expect(textOf(one(shown, 1))).toBe("weights/0.weight");
    const histo = bytesOf(one(shown, 5));
    expect([1, 2, 3, 4, 5].map((field) => one(histo, field))).toEqual([0, 3, 4, 6, 14]);
    expect(bytesOf(one(histo, 6)).length).toBe(30 * 8);
    expect(bytesOf(one(histo, 7)).length).toBe(30 * 8);
    expect(one(told, 2)).toBe(300);
    const text = bytesOf(one(bytesOf(one(told, 5)), 1));
    expect(textOf(one(bytesOf(one(bytesOf(one(text, 9)), 1)), 1))).toBe("text");
    expect(textOf(one(bytesOf(one(text, 8)), 8))).toBe("a: b. c. d.");
  });
});

describe("histograms", () => {
  test("count every number once, and omit NaN and infinity", () => {
    const { counts, edges, sum, sumSquares } = histogramOf("w", "weights", Float32Array.of(-1, 0, 0, 1, Number.NaN));
    expect(counts.reduce((a, b) => a + b, 0)).toBe(4);
    expect([edges[0], edges.at(-1), sum, sumSquares]).toEqual([-1, 1, 0, 2]);
    expect(histogramOf("w", "weights", Float32Array.of(2, 2)).counts).toEqual([2]);
    expect(histogramOf("w", "weights", new Float32Array()).counts).toEqual([0]);
  });
});

describe("tables and lines", () => {
  test("a CSV has a header and a line for each epoch", () => {
    let text = "";
    const { event: listen } = csvLog((more) => {
      text += more;
    });
    listen(epoch(0, { loss: 0.25, rocAuc: Number.NaN }));
    listen(epoch(1, { loss: 0.125, rocAuc: 1 }));
    expect(text).toBe(
      "epoch,step,lr,seconds,train loss,validation loss,validation rocAuc\n1,10,0.01,1.500,0.5,0.25,\n2,20,0.01,1.500,0.5,0.125,1\n",
    );
  });

  test("JSON lines hold every event, with null for NaN", () => {
    let text = "";
    jsonlLog((more) => {
      text += more;
    }).event(epoch(0, { loss: Number.NaN }));
    expect(JSON.parse(text).validation.loss).toBeNull();
  });
});

test("the console shows the start, a line for each epoch, and how training ended", () => {
  const lines: string[] = [];
  const { event } = consoleLog((line) => {
    lines.push(line);
  });
  event({
    type: "start",
    run: null,
    config: {},
    parameters: 42,
    epochs: 3,
    stepsPerEpoch: 10,
    backend: "wasm",
    threads: 1,
    description: "wasm, 1 thread",
    positiveClass: null,
    notes: [],
  });
  for (const number of [0, 1, 2]) event(epoch(number, { loss: 0.25, accuracy: 0.5, f1: 0.5 }));
  expect(lines).toEqual([
    "42 parameters, up to 3 epochs of 10 steps, on wasm, 1 thread",
    "epoch   1  train loss 0.5000  validation loss 0.2500, accuracy 50.0 %  *",
    // The second came within half a second; the last is always printed.
    "epoch   3  train loss 0.5000  validation loss 0.2500, accuracy 50.0 %  *",
  ]);
  event(epoch(0, null));
  event({ type: "earlyStop", epoch: 1, bestEpoch: 0, reason: "the loss has not improved for 1 epoch" });
  expect(lines.slice(3)).toEqual([
    "epoch   1  train loss 0.5000  *",
    "stopped after 1 epoch: the loss has not improved for 1 epoch; the best was epoch 1",
  ]);
});
