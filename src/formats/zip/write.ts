// Writes uncompressed zip archives (PKWARE's APPNOTE.TXT, without ZIP64: up to 4 GiB).
import { HebbError } from "../../graph/errors.ts";
import { crc32 } from "./crc32.ts";

const localSignature = 0x04034b50;
const centralSignature = 0x02014b50;
const endSignature = 0x06054b50;
/** The identifier of PyTorch's extra field for padding. */
const paddingField = 0x4246;

export interface ZipOptions {
  /** Aligns contents to a multiple of this: an extra field, which readers skip, takes the space before them. */
  readonly alignment?: number;
  /** At most 65535 bytes. */
  readonly comment?: Uint8Array;
}

/** Bytes of an archive of these files, stored. */
export function writeZip(
  files: Iterable<readonly [label: string, content: Uint8Array]>,
  { alignment, comment = new Uint8Array(0) }: ZipOptions = {},
): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [text, content] of files) {
    const label = new TextEncoder().encode(text);
    if (offset + content.length > 0xfffffff0 || label.length > 65535)
      throw new HebbError(`the archive would be larger than 4 GiB at "${text.slice(0, 80)}"; use safetensors`);
    // Version, flags (bit 11: UTF-8 names), method 0 (stored), time, date (1980-01-01), checksum, sizes, lengths.
    const common = new DataView(new ArrayBuffer(26));
    common.setUint16(0, 20, true);
    common.setUint16(2, 0x0800, true);
    common.setUint16(8, 0x21, true);
    common.setUint32(10, crc32(content), true);
    common.setUint32(14, content.length, true);
    common.setUint32(18, content.length, true);
    common.setUint16(22, label.length, true);
    const unpadded = offset + 30 + label.length;
    // An extra field has an identifier and a length of two bytes each.
    const padding = alignment === undefined ? 0 : 4 + ((2 * alignment - ((unpadded + 4) % alignment)) % alignment);
    const local = new Uint8Array(30 + label.length + padding);
    new DataView(local.buffer).setUint32(0, localSignature, true);
    local.set(new Uint8Array(common.buffer), 4);
    local.set(label, 30);
    if (padding > 0) {
      const view = new DataView(local.buffer);
      view.setUint16(28, padding, true);
      view.setUint16(30 + label.length, paddingField, true);
      view.setUint16(32 + label.length, padding - 4, true);
    }
    const central = new Uint8Array(46 + label.length);
    const centralView = new DataView(central.buffer);
    centralView.setUint32(0, centralSignature, true);
    centralView.setUint16(4, 20, true);
    central.set(new Uint8Array(common.buffer), 6);
    centralView.setUint32(42, offset, true);
    central.set(label, 46);
    parts.push(local, content);
    directory.push(central);
    offset += local.length + content.length;
  }
  if (directory.length > 65535)
    throw new HebbError(`${directory.length} arrays are more than a zip archive can hold (65535); use safetensors`);
  const directoryBytes = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new Uint8Array(22 + comment.length);
  const endView = new DataView(end.buffer);
  endView.setUint32(0, endSignature, true);
  endView.setUint16(8, directory.length, true);
  endView.setUint16(10, directory.length, true);
  endView.setUint32(12, directoryBytes, true);
  endView.setUint32(16, offset, true);
  endView.setUint16(20, comment.length, true);
  end.set(comment, 22);
  const out = new Uint8Array(offset + directoryBytes + end.length);
  let at = 0;
  for (const part of [...parts, ...directory, end]) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
