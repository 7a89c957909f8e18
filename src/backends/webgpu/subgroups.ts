// Whether subgroups follow the order of a workgroup's invocations, which WGSL leaves to the driver: tested on the opened GPU.
import { computeStage, mapRead, usage } from "./flags.ts";

/** Invocations in the probe, and the size of the smallest workgroup that reduces. */
const [tried, smallest] = [256, 64];

/** Counts the invocations whose position, that of their subgroup plus their own in it, equals their index. */
const probe = `enable subgroups;
@group(0) @binding(0) var<storage, read_write> inPlace: atomic<u32>;
@compute @workgroup_size(${tried})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(subgroup_invocation_id) own: u32, @builtin(subgroup_size) size: u32) {
  if (subgroupBroadcastFirst(lane) + own == lane && lane % size == own) { atomicAdd(&inPlace, 1u); }
}
`;

export const subgroupFeature = "subgroups";

/** Whether invocations of a subgroup may exchange values, and subgroup k of a workgroup begins at invocation k · size. */
export async function hasOrderedSubgroups(gpu: GPUDevice): Promise<boolean> {
  // Drivers choose a size per shader: none may exceed a workgroup.
  const { subgroupMaxSize } = gpu.adapterInfo;
  if (!gpu.features.has(subgroupFeature) || subgroupMaxSize === undefined || subgroupMaxSize > smallest) return false;
  gpu.pushErrorScope("validation");
  const counter = gpu.createBuffer({ size: 4, usage: usage.storage | usage.copySource });
  const read = gpu.createBuffer({ size: 4, usage: usage.mapRead | usage.copyTarget });
  const group = gpu.createBindGroupLayout({
    entries: [{ binding: 0, visibility: computeStage, buffer: { type: "storage" } }],
  });
  const pipeline = gpu.createComputePipeline({
    layout: gpu.createPipelineLayout({ bindGroupLayouts: [group] }),
    compute: { module: gpu.createShaderModule({ code: probe }), entryPoint: "main" },
  });
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    gpu.createBindGroup({ layout: group, entries: [{ binding: 0, resource: { buffer: counter } }] }),
  );
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(counter, 0, read, 0, 4);
  gpu.queue.submit([encoder.finish()]);
  await read.mapAsync(mapRead);
  const [inPlace] = new Uint32Array(read.getMappedRange());
  const refused = await gpu.popErrorScope();
  counter.destroy();
  read.destroy();
  return refused === null && inPlace === tried;
}
