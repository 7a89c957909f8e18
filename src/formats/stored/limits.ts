// How much memory a file may take beyond its own size.

/** A few bytes may stand for many, in archives and in windows that repeat their values. */
const ratio = 100;
const always = 2 ** 26;

/** Most bytes that a file of this size may become without being asked for: 64 MiB and a hundred times the file. */
export const mostUnpacked = (fileBytes: number): number => always + ratio * fileBytes;
