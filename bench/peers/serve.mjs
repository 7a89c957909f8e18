// Shared by all JavaScript peers: reads the inputs, and runs one repetition per request (JSON lines on stdin/stdout).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The arrays of one workload: { name: { shape, data } }. */
export function load(directory, name) {
  const manifest = JSON.parse(readFileSync(join(directory, `${name}.json`), "utf8"));
  const file = readFileSync(join(directory, `${name}.bin`));
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
  const arrays = {};
  for (const [key, { shape, dtype, offset }] of Object.entries(manifest)) {
    const length = shape.reduce((a, b) => a * b, 1);
    arrays[key] = {
      shape,
      data: dtype === "int32" ? new Int32Array(bytes, offset, length) : new Float32Array(bytes, offset, length),
    };
  }
  return arrays;
}

/** Row i of the first dim. */
export function row({ shape, data }, i) {
  const size = data.length / shape[0];
  return data.slice(i * size, (i + 1) * size);
}

export function oneHot(labels, classes) {
  const out = new Float32Array(labels.length * classes);
  labels.forEach((label, i) => {
    out[i * classes + label] = 1;
  });
  return out;
}

export function transposed({ shape: [rows, columns], data }) {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c];
  return { shape: [columns, rows], data: out };
}

/** The transformers: the small one, and the small GPT-2 with half of its context, for which every peer has enough memory. */
export const transformers = {
  gpt: { layers: 4, width: 128, heads: 4, context: 64, vocabulary: 65, batch: 16 },
  gpt2: { layers: 12, width: 768, heads: 12, context: 512, vocabulary: 50257, batch: 1 },
};

/** Inputs [batch, context] and the next tokens, from windows that are one token longer. */
export function nextTokens(windows, context = 64) {
  const batch = windows.length / (context + 1);
  const x = new Int32Array(batch * context);
  const y = new Int32Array(batch * context);
  for (let b = 0; b < batch; b++) {
    const from = b * (context + 1);
    x.set(windows.subarray(from, from + context), b * context);
    y.set(windows.subarray(from + 1, from + context + 1), b * context);
  }
  return { x, y };
}

/** The two operands of a matmul: the same numbers in every peer. */
export function matrices(n) {
  const fill = (salt) => Float32Array.from({ length: n * n }, (_, i) => (((i * 7919 + salt) % 1009) - 504) / 1009);
  return { a: fill(1), b: fill(17) };
}

export const chainLength = 4 * 1024 * 1024;
export const chainInput = () => Float32Array.from({ length: chainLength }, (_, i) => -4 + (8 * i) / (chainLength - 1));

const seconds = () => performance.now() / 1000;
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

async function steps(work, n) {
  for (let i = 0; i < n; i++) {
    const pending = work.step(i);
    if (pending !== undefined) await pending;
  }
  await work.sync?.();
}

/**
 * Answers {"cmd":"prepare"} by building the workload, checking its result and warming up, and each {"cmd":"go"} with the
 * seconds of one step in one repetition. `make(work)` returns { step(i), sync?(), reset?(), check() }; `work` comes from
 * the command, for peers that run several workloads in turn.
 */
export async function serve(make, about) {
  const { target, warmUp, maxSteps } = JSON.parse(
    process.env.BENCH_TIMING ?? '{"target":0.4,"warmUp":1,"maxSteps":5000}',
  );
  let work;
  let n = 1;
  for await (const line of createInterface({ input: process.stdin })) {
    const { cmd, work: asked } = JSON.parse(line);
    try {
      if (cmd === "prepare") {
        work = await make(asked);
        const check = await work.check();
        await work.reset?.();
        let done = 0;
        const start = seconds();
        while (seconds() - start < warmUp || done < 2) {
          await steps(work, 1);
          done++;
          if (seconds() - start > 4 && done >= 1) break;
        }
        const estimate = (seconds() - start) / done;
        n = Math.max(estimate > 0.5 || target < 0.01 ? 1 : 3, Math.min(maxSteps, Math.floor(target / estimate) + 1));
        say({ ready: true, check, steps: n, ...about });
      } else if (cmd === "go") {
        await work.reset?.();
        const start = seconds();
        await steps(work, n);
        say({ seconds: (seconds() - start) / n });
      } else {
        say({ peakMB: process.resourceUsage().maxRSS / 1024 });
        process.exit(0);
      }
    } catch (error) {
      say({ error: String(error?.message ?? error).slice(0, 300) });
    }
  }
}
