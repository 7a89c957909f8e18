// Formats sizes of files and memory.

const units = ["bytes", "KB", "MB", "GB", "TB"];

/** `1.23 MB`, in powers of 1000. */
export function bytesInWords(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}
