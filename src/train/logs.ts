// Logs as callbacks on the event stream: a CSV of epochs, JSON lines, and event files for TensorBoard.
import { aString, listOf, objectOf } from "../formats/json.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions } from "../graph/options.ts";
import type { Callback } from "./callback.ts";
import type { EventListener, Histogram, TrainEvent } from "./events.ts";
import type { PartState } from "./parts.ts";
import { orNull } from "./state.ts";

/** A callback that gets every event. */
export interface Log extends Callback {
  readonly event: EventListener;
}

const plain = (_: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isFinite(value) ? null : value;

/** One line of JSON for each event; metrics that are NaN or infinite are null. */
export const jsonlLog = (write: (text: string) => void): Log => ({
  event: (event) => write(`${JSON.stringify(event, plain)}\n`),
});

export interface CsvLogOptions {
  /** Default true. A resumed run writes none: it continues with the columns of the first epoch. */
  readonly header?: boolean;
  /** Distinguishes several of them in one training. Default "csvLog". */
  readonly name?: string;
}

/** One line for each epoch: epoch, step, lr, seconds, then all metrics of training and validation, in the order of the first epoch. */
export const csvLog = (write: (text: string) => void, options: CsvLogOptions = {}): Log => new CsvLog(write, options);

const saved = objectOf<{ columns: readonly string[] | null }>({ columns: orNull(listOf(aString)) });

class CsvLog implements Log {
  readonly name: string;
  readonly watches = true;
  readonly #write: (text: string) => void;
  readonly #header: boolean;
  #columns: readonly string[] | undefined;

  constructor(write: (text: string) => void, options: CsvLogOptions) {
    checkKind("csvLog", "the function that writes", write, kind.func<typeof write>());
    const { header = true, name = "csvLog" } = checkOptions("csvLog", options, {
      header: kind.boolean,
      name: kind.string,
    });
    this.name = name;
    this.#write = write;
    this.#header = header;
  }

  readonly event: EventListener = (event) => {
    if (event.type !== "epoch") return;
    const figures = figuresOf(event);
    if (this.#columns === undefined) {
      this.#columns = [...figures.keys()];
      if (this.#header) this.#write(`${["epoch", "step", "lr", "seconds", ...this.#columns].join(",")}\n`);
    }
    const cells = this.#columns.map((name) => {
      const value = figures.get(name);
      return value === undefined || !Number.isFinite(value) ? "" : String(value);
    });
    this.#write(`${[event.epoch + 1, event.step, event.lr, event.seconds.toFixed(3), ...cells].join(",")}\n`);
  };

  state(): PartState {
    return { json: { columns: this.#columns ?? null } };
  }

  restore({ json }: Required<PartState>): void {
    this.#columns = saved(json, `checkpoint: ${this.name}`).columns ?? undefined;
  }
}

function figuresOf(event: Extract<TrainEvent, { type: "epoch" }>): Map<string, number> {
  return new Map([
    ...Object.entries(event.train).map(([name, value]) => [`train ${name}`, value] as const),
    ...Object.entries(event.validation ?? {}).map(([name, value]) => [`validation ${name}`, value] as const),
  ]);
}

// ── TensorBoard ──────────────────────────────────────────────────────────────────────────────────────────────────────

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 255] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}

/** The checksum as stored in record files: rotated and offset, so that checksums of checksums work. */
const masked = (bytes: Uint8Array): number => {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
};

/** A record: length, its checksum, the bytes, their checksum. Source: TensorFlow's TFRecord. */
export function record(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + 16);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(bytes.length), true);
  view.setUint32(8, masked(out.subarray(0, 8)), true);
  out.set(bytes, 12);
  view.setUint32(12 + bytes.length, masked(bytes), true);
  return out;
}

const encoder = new TextEncoder();

/** A protocol buffer message, field by field. */
class Message {
  readonly #parts: Uint8Array[] = [];

  #varint(value: number): void {
    const bytes: number[] = [];
    let left = value;
    while (left >= 128) {
      bytes.push((left % 128) | 128);
      left = Math.floor(left / 128);
    }
    this.#parts.push(Uint8Array.from([...bytes, left]));
  }

  #key(field: number, wire: 0 | 1 | 2 | 5): void {
    this.#varint(field * 8 + wire);
  }

  whole(field: number, value: number): this {
    this.#key(field, 0);
    this.#varint(value);
    return this;
  }

  double(field: number, value: number): this {
    this.#key(field, 1);
    this.#parts.push(new Uint8Array(Float64Array.of(value).buffer));
    return this;
  }

  float(field: number, value: number): this {
    this.#key(field, 5);
    this.#parts.push(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array | Message | string): this {
    const content = typeof value === "string" ? encoder.encode(value) : value instanceof Message ? value.done() : value;
    this.#key(field, 2);
    this.#varint(content.length);
    this.#parts.push(content);
    return this;
  }

  /** Packed doubles. */
  doubles(field: number, values: readonly number[]): this {
    return this.bytes(field, new Uint8Array(Float64Array.from(values).buffer));
  }

  done(): Uint8Array {
    const out = new Uint8Array(this.#parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}

/** HistogramProto: min 1, max 2, num 3, sum 4, sum_squares 5, bucket_limit 6, bucket 7. */
function histogramMessage({ edges, counts, sum, sumSquares }: Histogram): Message {
  const count = counts.reduce((total, part) => total + part, 0);
  return new Message()
    .double(1, edges[0] ?? 0)
    .double(2, edges.at(-1) ?? 0)
    .double(3, count)
    .double(4, sum)
    .double(5, sumSquares)
    .doubles(6, edges.slice(1))
    .doubles(7, counts);
}

/**
 * Event files for TensorBoard: metrics of every epoch, the learning rate, histograms, findings as text. Only for little-endian machines, as all
 * current ones are. `now` gives seconds since 1970. Source: the formats of tensorflow/core/util/event.proto and summary.proto.
 */
export function tensorBoardLog(write: (bytes: Uint8Array) => void, now: () => number = () => Date.now() / 1000): Log {
  checkKind("tensorBoardLog", "the function that writes", write, kind.func<typeof write>());
  // Event: wall_time 1, step 2, file_version 3, summary 5.
  write(record(new Message().double(1, now()).bytes(3, "brain.Event:2").done()));
  // Summary: value 1; Value: tag 1, simple_value 2, histo 5, metadata 9, tensor 8.
  const put = (step: number, values: readonly Message[]): void => {
    if (values.length === 0) return;
    const summary = new Message();
    for (const value of values) summary.bytes(1, value);
    write(record(new Message().double(1, now()).whole(2, step).bytes(5, summary).done()));
  };
  const scalar = (tag: string, value: number): Message => new Message().bytes(1, tag).float(2, value);
  const listen: EventListener = (event) => {
    switch (event.type) {
      case "epoch":
        put(event.step, [
          ...[...figuresOf(event)].map(([name, value]) => scalar(name.replace(" ", "/"), value)),
          scalar("learning rate", event.lr),
        ]);
        break;
      case "histograms":
        put(
          event.step,
          event.histograms.map((one) =>
            new Message().bytes(1, `${one.of}/${one.name}`).bytes(5, histogramMessage(one)),
          ),
        );
        break;
      case "finding": {
        const { finding } = event;
        const text = `${finding.what}: ${finding.evidence}. ${finding.why}. ${finding.fix}.`;
        // A text is a string tensor: dtype 1 = DT_STRING (7), tensor_shape 2 with one dim of size 1, string_val 8.
        const tensor = new Message()
          .whole(1, 7)
          .bytes(2, new Message().bytes(2, new Message().whole(1, 1)))
          .bytes(8, text);
        const plugin = new Message().bytes(1, new Message().bytes(1, "text"));
        put(event.step, [new Message().bytes(1, `doctor/${finding.code}`).bytes(8, tensor).bytes(9, plugin)]);
        break;
      }
      default:
    }
  };
  return { event: listen };
}
