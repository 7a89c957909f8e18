// Malformed files of every kind, and how the loaders and the command must answer each.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { crc32, deflateSync, gzipSync } from "node:zlib";
import { encode } from "fast-png";
import { parquetWriteBuffer } from "hyparquet-writer";
import jpeg from "jpeg-js";

type Content = string | Uint8Array | (() => string | Uint8Array);

export interface BadFile {
  readonly what: string;
  /** Files of the case. The first one, or its first folder, is read. */
  readonly files: Readonly<Record<string, Content>>;
  /** Links: from a name to its target, within the folder of the tests. */
  readonly links?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly target?: string;
  readonly labels?: string;
  readonly says: RegExp;
}

const rows = (count: number, line: (row: number) => string): string =>
  Array.from({ length: count }, (_, row) => `${line(row)}\n`).join("");
const table = (count = 50): string => `a,b,y\n${rows(count, (row) => `${row},${row % 7},${row % 2 ? "yes" : "no"}`)}`;
const latin = (text: string): Buffer => Buffer.from(text, "latin1");
const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le");

/** An IDX file: type, sizes, bytes. */
function idx(sizes: readonly number[], bytes: number, type = 8): Buffer {
  const head = Buffer.alloc(4 + 4 * sizes.length);
  head[2] = type;
  head[3] = sizes.length;
  for (const [place, size] of sizes.entries()) head.writeUInt32BE(size, 4 + 4 * place);
  return Buffer.concat([head, Buffer.from(Uint8Array.from({ length: bytes }, (_, place) => place % 3))]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([latin(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

function png(width: number, height: number, raw: Uint8Array, colour = 0, more: readonly Buffer[] = []): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = colour;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    ...more,
    chunk("IDAT", deflateSync(raw)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const picture = (value = 9): Uint8Array =>
  encode({ width: 8, height: 8, channels: 1, depth: 8, data: new Uint8Array(64).fill(value) });
const photo = (): Buffer => Buffer.from(jpeg.encode({ width: 32, height: 32, data: Buffer.alloc(4096, 77) }, 80).data);
const parquet = (count = 40): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "a", data: Int32Array.from({ length: count }, (_, i) => i), type: "INT32" },
        { name: "y", data: Array.from({ length: count }, (_, i) => (i % 2 ? "yes" : "no")), type: "STRING" },
      ],
    }),
  );
const changed = (bytes: Uint8Array, change: (copy: Buffer) => void): Buffer => {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
};

const csv = (what: string, content: Content, says: RegExp, target = "y"): BadFile => ({
  what,
  files: { "table.csv": content },
  target,
  says,
});
const packed = (what: string, content: Content, says: RegExp): BadFile => ({
  what,
  files: { "table.csv.gz": content },
  target: "y",
  says,
});
const images = (what: string, content: Content, says: RegExp, labels: Content = idx([10], 10)): BadFile => ({
  what,
  files: { digits: content, "digit-labels": labels },
  labels: "digit-labels",
  says,
});
const folder = (what: string, files: Readonly<Record<string, Content>>, says: RegExp): BadFile => ({
  what,
  files,
  path: ".",
  says,
});
const columns = (what: string, content: Content, says: RegExp): BadFile => ({
  what,
  files: { "table.parquet": content },
  target: "y",
  says,
});

export const badFiles: readonly BadFile[] = [
  csv("nothing", "", /table\.csv is empty; it needs a line of column names/),
  csv("blanks alone", " \n\t\n \r\n", /is empty/),
  csv("a byte order mark alone", "\uFEFF", /is empty/),
  csv("column names alone", "a,b,y\n", /has column names \(a, b, y\) but no rows/),
  csv("a short record", `${table()}1,2\n`, /line 52: this record has 2 fields, the first has 3; add the missing/),
  csv("a long record", `a,b,y\n1,2,yes,4\n`, /line 2: this record has 4 fields/),
  csv("an unclosed quote", 'a,b,y\n1,"2,yes\n3,4,no\n', /line 2: a quote opens here and never closes/),
  csv("an unclosed quote before megabytes", () => `a,b,y\n1,"${table(300_000)}`, /line 2: .*longer than 1000000 char/),
  csv("a quote within a field", 'a,b,y\n1,6" pipe,yes\n', /line 2: a quote stands in the middle/),
  csv("text after a quote", 'a,b,y\n"1"2,3,yes\n', /line 2: a quote stands in the middle/),
  csv("a zero byte", "a,b,y\n1,\0,yes\n", /zero byte at character 8, so it is not a text table/),
  csv("bytes of no encoding", latin("a,b,y\nä,1,yes\n\x02"), /not UTF-8 text.*save it as UTF-8.*latin1/),
  csv("a character cut in two", Buffer.from("a,b,y\n1,2,ß\n").subarray(0, -2), /not UTF-8 text/),
  csv("half a UTF-16 character", Buffer.concat([Buffer.of(0xff, 0xfe), utf16(table()), Buffer.of(65)]), /not UTF-16LE/),
  csv(
    "half a surrogate pair",
    Buffer.concat([Buffer.of(0xff, 0xfe), utf16("a,y\n"), Buffer.of(0, 0xd8)]),
    /not UTF-16LE/,
  ),
  csv("an enormous field", () => `a,b,y\n1,${"x".repeat(2_000_000)},yes\n`, /longer than 1000000 characters/),
  csv("one endless line", () => "a,".repeat(1_000_000), /longer than 1000000 characters/),
  csv("very many columns", () => `${"a,".repeat(150_000)}y\n`, /150001 columns are more than 100000/),
  csv("no such column", table(), /no column "z"; the columns are a, b, y/, "z"),
  csv("a target of one class", `a,y\n${rows(30, (row) => `${row},yes`)}`, /"y" is "yes" in every row/),
  csv("a target of one number", `a,y\n${rows(30, (row) => `${row},0.1`)}`, /"y" is 0\.1 in every row/),
  csv("a target that is missing everywhere", `a,y\n${rows(30, (row) => `${row},NA`)}`, /"y" has no values/),
  csv("as many classes as rows", `a,y\n${rows(60, (row) => `${row},k${row}`)}`, /60 different values in 60 rows/),
  csv("a word among numbers", `a,y\n${rows(60, (row) => `1,${row === 9 ? "dear" : row / 7}`)}`, /"dear" in row 10/),
  csv("numbers beyond all bounds", `a,y\n${rows(60, (row) => `${row},${row}e400`)}`, /"y"/),
  csv("nothing to learn from", `id,y\n${rows(60, (row) => `${row},${row % 2}`)}`, /no column to learn "y" from \("id"/),
  csv("only one row", "a,y\n1,yes\n", /"y" is "yes" in every row/),
  csv("a PNG by another name", picture(), /is a picture, which has no column/),
  csv("noise", () => Buffer.from(Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256)), /table\.csv/),

  packed("half of a gzip file", gzipSync(table(5000)).subarray(0, 900), /table\.csv\.gz is damaged: its gzip data/),
  packed("a gzip header alone", gzipSync("").subarray(0, 10), /table\.csv\.gz is damaged|is empty/),
  packed(
    "a wrong gzip checksum",
    changed(gzipSync(table()), (copy) => copy.writeUInt32LE(1, copy.length - 8)),
    /damaged/,
  ),
  packed("bytes after gzip data", Buffer.concat([gzipSync(table()), Buffer.alloc(20, 1)]), /damaged/),
  packed("a gzip bomb", () => gzipSync(Buffer.alloc(3e8, 65)), /unpacks to more than \d+ bytes, from \d+/),
  packed(
    "an IDX bomb in gzip",
    () => gzipSync(Buffer.alloc(3e8)),
    /holds images, which have no column|unpacks to more/,
  ),

  {
    what: "an Excel file",
    files: { "t.xlsx": Buffer.from("PK\x03\x04 and more") },
    target: "y",
    says: /t\.xlsx is damaged, or not an Excel file/,
  },
  { what: "a PDF", files: { "t.pdf": "%PDF-1.7" }, target: "y", says: /a PDF document; save its table as CSV/ },
  {
    what: "a NumPy array",
    files: { "t.npy": Buffer.from("\x93NUMPY\x01", "latin1") },
    target: "y",
    says: /a NumPy array/,
  },
  { what: "a database", files: { "t.db": "SQLite format 3\0" }, target: "y", says: /t\.db: |needs the package/ },
  {
    what: "a Zstandard file",
    files: { "t.zst": Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0) },
    target: "y",
    says: /Zstandard/,
  },
  {
    what: "an old Word file",
    files: { "t.doc": Buffer.of(0xd0, 0xcf, 0x11, 0xe0, 1) },
    target: "y",
    says: /old Office/,
  },

  images("an IDX header cut off", idx([10, 4, 4], 0).subarray(0, 9), /digits is truncated: its header of 3 sizes/),
  images("an unknown IDX type", idx([10, 4, 4], 160, 7), /digits is not an IDX file: it begins with 00 00 07 03/),
  images("an IDX file of no sizes", idx([], 160), /digits is not an IDX file/),
  images("IDX sizes beyond all bounds", idx([2 ** 31, 2 ** 31, 2 ** 31], 100), /digits is truncated: sizes .* need/),
  images("IDX data cut off", idx([10, 4, 4], 100), /need 160 bytes, there are 100; download or copy it again/),
  images("bytes after IDX data", idx([10, 4, 4], 200), /has bytes after its data/),
  images("labels and images exchanged", idx([10], 10), /did you swap images and labels/, idx([10, 4, 4], 160)),
  images(
    "fewer labels than images",
    idx([10, 4, 4], 160),
    /digits has 10 images but .*digit-labels has 9 labels/,
    idx([9], 9),
  ),
  images(
    "labels that are not whole numbers",
    idx([10, 4, 4], 160),
    /digit-labels holds float32 values/,
    idx([10], 40, 13),
  ),
  images("no images", idx([0, 4, 4], 0), /digits has no images/, idx([0], 0)),
  images("one class", idx([10, 4, 4], 160), /every label is 0/, Buffer.concat([idx([10], 0), Buffer.alloc(10)])),
  images(
    "images without numbers",
    changed(idx([10, 1, 1], 40, 13), (copy) => copy.fill(0xff, 16)),
    /some values are not finite/,
  ),
  images("cut gzip images", gzipSync(idx([10, 4, 4], 160)).subarray(0, 30), /digits is damaged: its gzip data/),
  images(
    "an IDX bomb for images",
    () => gzipSync(Buffer.concat([idx([300_000, 10, 100], 0), Buffer.alloc(3e8)])),
    /digits unpacks to more than \d+ bytes, from \d+/,
  ),
  images("text for labels", idx([10, 4, 4], 160), /digit-labels is not an IDX file/, "1,2,3,4\n"),

  folder("a folder of nothing", { "readme.txt": "x" }, /is a folder without PNG or JPEG pictures; make one sub-folder/),
  folder("one class of pictures", { "a/1.png": picture(), "a/2.png": picture() }, /has one class only \(a\)/),
  folder("pictures without classes", { "1.png": picture() }, /holds pictures without classes/),
  folder("pictures next to classes", { "1.png": picture(), "a/1.png": picture() }, /beside sub-folders of pictures/),
  folder("parts instead of classes", { "train/a/1.png": picture(), "test/b/1.png": picture() }, /holds parts \(test\)/),
  folder("a cut PNG", { "a/1.png": picture(), "b/2.png": picture().subarray(0, 60) }, /b\/2\.png is a truncated PNG/),
  folder("a text called PNG", { "a/1.png": "hello", "b/2.png": picture() }, /a\/1\.png is neither PNG nor JPEG/),
  folder(
    "a PNG bomb",
    { "a/1.png": () => png(4, 4, Buffer.alloc(2 ** 27)), "b/2.png": picture() },
    /unpacks to more than the 20 bytes/,
  ),
  folder(
    "a PNG of billions of pixels",
    { "a/1.png": png(65_000, 65_000, Buffer.alloc(9)), "b/2.png": picture() },
    /65000 × 65000 pixels, more than/,
  ),
  folder(
    "a PNG without pixels",
    { "a/1.png": png(0, 4, Buffer.alloc(9)), "b/2.png": picture() },
    /header says 0 × 4 pixels/,
  ),
  folder(
    "a PNG with a wrong checksum",
    { "a/1.png": changed(picture(), (copy) => copy.fill(1, 30, 33)), "b/2.png": picture() },
    /damaged PNG/,
  ),
  folder(
    "a colour outside the palette",
    { "a/1.png": png(1, 1, Buffer.of(0, 9), 3, [chunk("PLTE", Buffer.alloc(3))]), "b/2.png": picture() },
    /colour 9 is not in the palette/,
  ),
  folder(
    "a cut JPEG",
    { "a/1.jpg": photo().subarray(0, 300), "b/2.png": picture() },
    /a\/1\.jpg is a damaged or truncated JPEG/,
  ),
  folder(
    "a JPEG of billions of pixels",
    {
      "a/1.jpg": changed(photo(), (copy) => copy.writeUInt32BE(0xfff0_fff0, copy.indexOf(Buffer.of(0xff, 0xc0)) + 5)),
      "b/2.png": picture(),
    },
    /65520 × 65520 pixels/,
  ),
  {
    what: "a link out of the folder",
    files: { "in/a/1.png": picture(), "in/b/1.png": picture(), "out/secret.png": picture() },
    links: { "in/b/2.png": "out/secret.png" },
    path: "in",
    says: /b\/2\.png is a symbolic link that leads out of the folder/,
  },
  {
    what: "a link to its own folder's parent",
    files: { "in/a/1.png": picture(), "in/b/1.png": picture() },
    links: { "in/c": "." },
    path: "in",
    says: /in\/c is a symbolic link that leads out of the folder/,
  },

  columns("nothing for Parquet", "PAR1", /its end is missing/),
  columns("half a Parquet file", () => parquet().subarray(0, parquet().length >> 1), /its end is missing/),
  columns(
    "a Parquet footer beyond the file",
    () => changed(parquet(), (copy) => copy.writeUInt32LE(2 ** 31, copy.length - 8)),
    /its footer of 2147483648 bytes/,
  ),
  columns(
    "a Parquet footer of zeros",
    () => changed(parquet(), (copy) => copy.fill(0, copy.length - 50, copy.length - 8)),
    /table\.parquet is damaged/,
  ),
  columns(
    "Parquet pages of noise",
    () => changed(parquet(), (copy) => copy.fill(0xff, 4, 70)),
    /table\.parquet is damaged/,
  ),
  columns("a Parquet file without rows", () => parquet(0), /has columns \(a, y\) but no rows|is damaged/),
  columns(
    "a Parquet file without the target",
    () => new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "a", data: Int32Array.of(1, 2), type: "INT32" }] })),
    /has no column "y"/,
  ),
];

/** Writes the files of a case into a separate folder, and returns the path to read. */
export function writeBad(
  root: string,
  bad: BadFile,
  place: number,
): { readonly path: string; readonly labels: string | undefined } {
  const own = join(root, `bad-${place}`);
  for (const [name, content] of Object.entries(bad.files)) {
    mkdirSync(dirname(join(own, name)), { recursive: true });
    writeFileSync(join(own, name), typeof content === "function" ? content() : content);
  }
  for (const [name, to] of Object.entries(bad.links ?? {})) symlinkSync(join(own, to), join(own, name));
  return {
    path: join(own, bad.path ?? Object.keys(bad.files)[0] ?? ""),
    labels: bad.labels === undefined ? undefined : join(own, bad.labels),
  };
}
