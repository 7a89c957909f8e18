// The workspace is a single block, as large as the most demanding loaded program.
import { expect, test } from "vitest";
import { HebbError } from "../graph/errors.ts";
import type { Block } from "./backend.ts";
import { Workspace } from "./workspace.ts";

function memory(most = Number.POSITIVE_INFINITY) {
  const live = new Set<Block>();
  let address = 0;
  return {
    live,
    allocate(bytes: number): Block {
      if (bytes > most) throw new HebbError(`out of memory: ${bytes} bytes`);
      address += 64;
      const block = { address, bytes };
      live.add(block);
      return block;
    },
    free(block: Block): void {
      expect(live.delete(block)).toBe(true);
    },
    get liveBytes(): number {
      return [...live].reduce((sum, { bytes }) => sum + bytes, 0);
    },
  };
}

test("programs share one block, allocated at the first run", () => {
  const heap = memory();
  const workspace = new Workspace(heap);
  const large = workspace.claim(1000);
  const small = workspace.claim(400);
  expect(heap.liveBytes).toBe(0);
  const block = workspace.block(small);
  expect(block.bytes).toBe(1000);
  expect(workspace.block(large)).toBe(block);
  expect(heap.liveBytes).toBe(1000);
});

test("a larger program moves it; releasing that program shrinks it", () => {
  const heap = memory();
  const workspace = new Workspace(heap);
  const small = workspace.claim(100);
  workspace.block(small);
  const large = workspace.claim(5000);
  expect(workspace.block(small).bytes).toBe(5000);
  workspace.release(large);
  expect(heap.liveBytes).toBe(0);
  expect(workspace.block(small).bytes).toBe(100);
  workspace.release(small);
  expect(heap.liveBytes).toBe(0);
  workspace.release(small);
  expect(workspace.block(workspace.claim(0)).bytes).toBe(0);
});

test("programs that grow in small steps rarely move it", () => {
  const heap = memory();
  const workspace = new Workspace(heap);
  const blocks = new Set<Block>();
  let last = workspace.claim(1000);
  for (let bytes = 1001; bytes < 8000; bytes++) {
    const claim = workspace.claim(bytes);
    blocks.add(workspace.block(claim));
    expect(workspace.block(claim).bytes).toBeGreaterThanOrEqual(bytes);
    expect(workspace.block(claim).bytes).toBeLessThanOrEqual(1.25 * bytes);
    workspace.release(last);
    last = claim;
  }
  expect(blocks.size).toBeLessThan(20);
  expect(heap.live.size).toBe(1);
});

test("a program that needs more memory than there is fails; the others keep running", () => {
  const heap = memory(2000);
  const workspace = new Workspace(heap);
  const small = workspace.claim(100);
  expect(workspace.block(small).bytes).toBe(100);
  const huge = workspace.claim(5000);
  for (let turn = 0; turn < 2; turn++) {
    expect(() => workspace.block(huge)).toThrow(/out of memory: 5000 bytes/);
    expect(workspace.block(small).bytes).toBe(100);
  }
  const other = workspace.claim(1500);
  expect(workspace.block(other).bytes).toBe(1500);
  expect(workspace.block(small).bytes).toBe(1500);
  expect(heap.live.size).toBe(1);
  workspace.release(huge);
  expect(workspace.block(other).bytes).toBe(1500);
});
