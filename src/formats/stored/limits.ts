// How much memory a file may take beyond its own size.

/** A few bytes may expand into many, in archives and in windows that repeat their values. */
const ratio = 100;
const always = 2 ** 26;

/** The default limit of unpacked bytes for a file of this size: 64 MiB and a hundred times the file. */
export const mostUnpacked = (fileBytes: number): number => always + ratio * fileBytes;
