// Pictures: every kind of PNG, JPEG within its loss, upright, resized as in PyTorch; damaged and oversized files.
import { readFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";
import { encode as encodePng } from "fast-png";
import jpeg from "jpeg-js";
import { describe, expect, test } from "vitest";
import { HebbError } from "../graph/errors.ts";
import {
  decodePicture,
  fitPicture,
  type Picture,
  planesOf,
  readPictureHeader,
  resizePicture,
  toChannels,
} from "./pixels.ts";
import { Random } from "./random.ts";

const noise = (count: number, seed = 1): Uint8Array => {
  const random = new Random(seed);
  return Uint8Array.from({ length: count }, () => random.integer(256));
};
const picture = (width: number, height: number, channels: 1 | 3, data = noise(width * height * channels)): Picture => ({
  width,
  height,
  channels,
  data,
});

/** A PNG chunk with its checksum. */
function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A PNG of unfiltered rows, optionally with other chunks behind its header. */
function png(
  [width, height]: readonly [number, number],
  [depth, colour]: readonly [number, number],
  raw: Uint8Array,
  more: Buffer[] = [],
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = colour;
  return Buffer.concat([
    magic,
    chunk("IHDR", header),
    ...more,
    chunk("IDAT", deflateSync(raw)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

describe("PNG", () => {
  test.each([
    ["grey", 1],
    ["colour", 3],
  ] as const)("%s, of eight bits", async (_, channels) => {
    const data = noise(7 * 5 * channels);
    const decoded = await decodePicture(encodePng({ width: 7, height: 5, channels, data, depth: 8 }));
    expect(decoded).toEqual({ width: 7, height: 5, channels, data });
  });

  test("sixteen bits become eight", async () => {
    const data = Uint16Array.of(0x1234, 0xffee, 0, 0x80ff);
    const decoded = await decodePicture(encodePng({ width: 2, height: 2, channels: 1, data, depth: 16 }));
    expect([...decoded.data]).toEqual([0x12, 0xff, 0, 0x80]);
  });

  test("one, two and four bits of grey", async () => {
    const decode = async (depth: number, raw: number[]): Promise<number[]> => [
      ...(await decodePicture(png([3, 2], [depth, 0], Uint8Array.from(raw)))).data,
    ];
    expect(await decode(1, [0, 0b10100000, 0, 0b01000000])).toEqual([255, 0, 255, 0, 255, 0]);
    expect(await decode(2, [0, 0b00011000, 0, 0b11000000])).toEqual([0, 85, 170, 255, 0, 0]);
    expect(await decode(4, [0, 0x0f, 0x80, 0, 0x10, 0x00])).toEqual([0, 255, 136, 17, 0, 0]);
  });

  test("palettes, with transparency on white", async () => {
    const palette = chunk("PLTE", Uint8Array.of(255, 0, 0, 0, 0, 100));
    const plain = await decodePicture(png([2, 1], [1, 3], Uint8Array.of(0, 0b01000000), [palette]));
    expect([...plain.data]).toEqual([255, 0, 0, 0, 0, 100]);
    const transparent = chunk("tRNS", Uint8Array.of(255, 0));
    const onWhite = await decodePicture(png([2, 1], [8, 3], Uint8Array.of(0, 0, 1), [palette, transparent]));
    expect([...onWhite.data]).toEqual([255, 0, 0, 255, 255, 255]);
  });

  test("alpha is composited on white; grey with alpha stays grey; a colour may stand for transparent", async () => {
    const rgba = await decodePicture(
      encodePng({ width: 2, height: 1, channels: 4, depth: 8, data: Uint8Array.of(0, 100, 200, 255, 0, 0, 0, 51) }),
    );
    expect([...rgba.data]).toEqual([0, 100, 200, 204, 204, 204]);
    const grey = await decodePicture(
      encodePng({ width: 2, height: 1, channels: 2, depth: 8, data: Uint8Array.of(10, 0, 20, 255) }),
    );
    expect(grey).toMatchObject({ channels: 1, data: Uint8Array.of(255, 20) });
    const keyed = await decodePicture(
      png([2, 1], [8, 0], Uint8Array.of(0, 7, 9), [chunk("tRNS", Uint8Array.of(0, 7))]),
    );
    expect([...keyed.data]).toEqual([255, 9]);
  });

  test("ignores texts and profiles, however wrong", async () => {
    const bad = [chunk("iCCP", Uint8Array.of(1, 2, 3)), chunk("zTXt", noise(40)), chunk("pHYs", Uint8Array.of(1))];
    expect([...(await decodePicture(png([2, 1], [8, 0], Uint8Array.of(0, 7, 9), bad))).data]).toEqual([7, 9]);
  });
});

describe("JPEG", () => {
  const smooth = (width: number, height: number): Uint8Array =>
    Uint8Array.from({ length: width * height * 4 }, (_, i) => {
      const [x, y] = [(i >> 2) % width, Math.floor((i >> 2) / width)];
      return [x * 8, y * 8, 128, 255][i % 4] ?? 0;
    });
  const encode = (width: number, height: number): Buffer =>
    Buffer.from(jpeg.encode({ width, height, data: smooth(width, height) }, 95).data);

  test("decodes within its loss", async () => {
    const decoded = await decodePicture(encode(24, 16));
    expect(decoded).toMatchObject({ width: 24, height: 16, channels: 3 });
    let worst = 0;
    for (let i = 0; i < 24 * 16; i++)
      for (let c = 0; c < 3; c++)
        worst = Math.max(worst, Math.abs((decoded.data[3 * i + c] ?? 0) - (smooth(24, 16)[4 * i + c] ?? 0)));
    expect(worst).toBeLessThan(16);
  });

  test.each([
    [1, [0, 0]],
    [2, [1, 0]],
    [3, [1, 1]],
    [4, [0, 1]],
    [5, [0, 0]],
    [6, [1, 0]],
    [7, [1, 1]],
    [8, [0, 1]],
  ] as const)("orientation %i: the corner that was first lies at %j", async (orientation, [right, bottom]) => {
    const plain = encode(24, 16);
    const note = Buffer.from([
      0x45,
      0x78,
      0x69,
      0x66,
      0,
      0,
      0x4d,
      0x4d,
      0,
      42,
      0,
      0,
      0,
      8,
      0,
      1,
      1,
      0x12,
      0,
      3,
      0,
      0,
      0,
      1,
      0,
      orientation,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
    const marker = Buffer.from([0xff, 0xe1, 0, note.length + 2]);
    const held = await decodePicture(Buffer.concat([plain.subarray(0, 2), marker, note, plain.subarray(2)]));
    expect([held.width, held.height]).toEqual(orientation < 5 ? [24, 16] : [16, 24]);
    // Red grows along rows and green along columns, so both are small in the first corner.
    const at = ((bottom ? held.height - 1 : 0) * held.width + (right ? held.width - 1 : 0)) * 3;
    expect((held.data[at] ?? 255) + (held.data[at + 1] ?? 255)).toBeLessThan(40);
  });
});

describe("sizes and channels", () => {
  interface Figure {
    readonly from: readonly [number, number, number];
    readonly to: readonly [number, number];
    readonly pixels: readonly number[];
    readonly expected: readonly number[];
  }
  const figures = JSON.parse(readFileSync(new URL("golden/resize.json", import.meta.url), "utf8")) as Figure[];
  test.each(figures.map((figure) => [`${figure.from} → ${figure.to}`, figure] as const))(
    "%s as PyTorch",
    (_, figure) => {
      const [channels, height, width] = figure.from;
      if (channels !== 1 && channels !== 3) throw new Error("figures are grey or colour");
      const data = new Uint8Array(figure.pixels.length);
      const plane = height * width;
      figure.pixels.forEach((pixel, i) => {
        data[(i % plane) * channels + Math.floor(i / plane)] = pixel;
      });
      const out = planesOf(resizePicture({ width, height, channels, data }, figure.to[1], figure.to[0]));
      out.forEach((value, i) => {
        // Rounded once; figures with exactly one half may go either way.
        expect(Math.abs(value - (figure.expected[i] ?? 0))).toBeLessThanOrEqual(0.5 + 1e-6);
      });
    },
  );

  test("grey is the luminance; converting grey to colour repeats it", () => {
    expect([...toChannels(picture(2, 1, 3, Uint8Array.of(255, 0, 0, 0, 255, 255)), 1).data]).toEqual([76, 179]);
    expect([...toChannels(picture(2, 1, 1, Uint8Array.of(5, 9)), 3).data]).toEqual([5, 5, 5, 9, 9, 9]);
  });

  test("cover crops to the middle, stretch keeps everything", () => {
    const wide = picture(6, 2, 1, Uint8Array.of(0, 0, 8, 8, 0, 0, 0, 0, 8, 8, 0, 0));
    expect([...fitPicture(wide, 2, 2).data]).toEqual([8, 8, 8, 8]);
    expect([...fitPicture(wide, 3, 1, "stretch").data].every((value) => value < 8)).toBe(true);
    expect(() => resizePicture(wide, 0, 2)).toThrow(/0 × 2 is not a valid image size/);
  });

  test("planes", () => {
    expect([...planesOf(picture(2, 1, 3, Uint8Array.of(1, 2, 3, 4, 5, 6)))]).toEqual([1, 4, 2, 5, 3, 6]);
  });
});

describe("refused", () => {
  const good = png([40, 30], [8, 0], noise(30 * 41).fill(0));
  const photo = Buffer.from(jpeg.encode({ width: 32, height: 32, data: noise(32 * 32 * 4) }, 80).data);
  const huge = (width: number, height: number): Buffer => png([width, height], [8, 0], Buffer.alloc(100));
  const damagedAt = (bytes: Buffer, place: number, value: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy[place] = value;
    return copy;
  };
  test.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /p\.png is empty/],
    ["text", Buffer.from("<svg></svg>"), /neither PNG nor JPEG; save it as PNG or JPEG/],
    ["a GIF", Buffer.from("GIF89a123456"), /neither PNG nor JPEG/],
    ["a PNG cut in its header", good.subarray(0, 20), /damaged PNG: it does not begin with a header/],
    ["a PNG cut in its data", good.subarray(0, good.length - 30), /truncated PNG/],
    ["a PNG cut before its last chunk", good.subarray(0, good.length - 12), /truncated PNG: it ends after/],
    ["a PNG without pixels", Buffer.concat([good.subarray(0, 33), good.subarray(-12)]), /it has no pixels/],
    ["a chunk longer than the file", damagedAt(good, 33, 0x7f), /truncated PNG: its chunk "IDAT" needs/],
    ["a wrong checksum", damagedAt(good, 45, 99), /damaged PNG/],
    ["a huge PNG", huge(60_000, 60_000), /has 60000 × 60000 pixels, more than 24000000/],
    ["a PNG of no width", huge(0, 5), /header says 0 × 5 pixels/],
    ["an unknown colour type", damagedAt(good, 25, 5), /colour type 5/],
    [
      "a decompression bomb",
      png([4, 4], [8, 0], Buffer.alloc(2 ** 26)),
      /unpacks to more than the 20 bytes of its size/,
    ],
    ["fewer rows than promised", png([40, 30], [8, 0], Buffer.alloc(100)), /damaged PNG/],
    [
      "noise for pixels",
      Buffer.concat([good.subarray(0, 33), chunk("IDAT", noise(200)), good.subarray(-12)]),
      /damaged PNG/,
    ],
    ["a JPEG cut in its data", photo.subarray(0, photo.length >> 1), /truncated JPEG/],
    ["a JPEG cut in its header", photo.subarray(0, 50), /truncated JPEG/],
    ["two bytes of a JPEG", photo.subarray(0, 2), /truncated JPEG/],
    [
      "a huge JPEG",
      (() => {
        const copy = Buffer.from(photo);
        const frame = copy.indexOf(Buffer.from([0xff, 0xc0]));
        copy.writeUInt16BE(65_000, frame + 5);
        copy.writeUInt16BE(65_000, frame + 7);
        return copy;
      })(),
      /has 65000 × 65000 pixels/,
    ],
    ["an arithmetic JPEG", damagedAt(photo, photo.indexOf(Buffer.from([0xff, 0xc0])) + 1, 0xc9), /unsupported kind/],
    ["a JPEG without a frame", damagedAt(photo, photo.indexOf(Buffer.from([0xff, 0xc0])) + 1, 0xe9), /truncated JPEG/],
  ])("%s", async (_, bytes, message) => {
    await expect(decodePicture(bytes, { name: "p.png" })).rejects.toThrow(HebbError);
    await expect(decodePicture(bytes, { name: "p.png" })).rejects.toThrow(message);
  });

  test("a custom limit, and headers alone", async () => {
    expect(readPictureHeader(good)).toMatchObject({ format: "png", width: 40, height: 30, grey: true });
    expect(readPictureHeader(photo)).toMatchObject({ format: "jpeg", width: 32, height: 32, grey: false });
    await expect(decodePicture(good, { maxPixels: 1000 })).rejects.toThrow(/40 × 30 pixels, more than 1000/);
  });

  test("random damage gives a picture or one sentence", async () => {
    const random = new Random(2);
    for (const whole of [good, photo, Buffer.from(encodePng({ width: 9, height: 9, channels: 3, data: noise(243) }))]) {
      for (let round = 0; round < 150; round++) {
        const bytes = Buffer.from(whole);
        for (let i = 0; i < 1 + random.integer(4); i++) bytes[random.integer(bytes.length)] = random.integer(256);
        try {
          await decodePicture(bytes.subarray(0, random.integer(3) === 0 ? random.integer(bytes.length) : bytes.length));
        } catch (error) {
          expect(error).toBeInstanceOf(HebbError);
        }
      }
    }
  });
});
