// hebb serve: serves a trained run over HTTP until it is interrupted; requests accepted by then are answered.
import { basename, resolve } from "node:path";
import { type ServeOptions, serveRun } from "../../run/serve/server.ts";
import { backendInfo } from "../../runtime/index.ts";
import { onInterrupt } from "../interrupt.ts";
import { out } from "../output.ts";

export async function serve(
  folder: string,
  { json, ...options }: ServeOptions & { readonly json: boolean },
): Promise<number> {
  const service = await serveRun(folder, options);
  const { address, types } = service;

  if (json) out.json({ type: "listening", address, backend: backendInfo().backend });
  else
    out.line(
      `hebb serves ${basename(resolve(folder))} at ${address}, on ${backendInfo().description}`,
      types.includes("application/json")
        ? `Try: curl ${address}/schema, and POST rows as JSON to ${address}/predict. Ctrl-C stops it.`
        : `Try: curl -H 'content-type: image/jpeg' --data-binary @picture.jpg ${address}/predict. Ctrl-C stops it.`,
    );
  await new Promise<void>((ended) => onInterrupt(ended));
  if (!json) out.line("Stopping: open requests are finished first.");
  await service.close();
  return 0;
}
