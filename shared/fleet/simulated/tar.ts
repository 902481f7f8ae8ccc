/**
 * As much of POSIX ustar as simulated engines and tests need: files, folders and symbolic links with names of up to 100 bytes. Real
 * engines write GNU and pax headers, too; those are passed over.
 */
export type TarEntry = {
  /** Without a leading slash. */
  readonly name: string;
  readonly type: "file" | "folder" | "link";
  readonly bytes?: Uint8Array;
  readonly target?: string;
  /** Default: 0755. */
  readonly mode?: number;
};

const blockBytes = 512;
const types = { file: "0", link: "2", folder: "5" } as const;

export function packTar(entries: readonly TarEntry[]): Uint8Array {
  const blocks = entries.flatMap((entry) => {
    const bytes = entry.bytes ?? new Uint8Array();
    return [headerOf(entry, bytes.length), bytes, new Uint8Array((blockBytes - (bytes.length % blockBytes)) % blockBytes)];
  });
  return Buffer.concat([...blocks, new Uint8Array(2 * blockBytes)]);
}

/** @throws Error when it is no tar. */
export function unpackTar(tar: Uint8Array): readonly TarEntry[] {
  const entries: TarEntry[] = [];
  const buffer = Buffer.from(tar.buffer, tar.byteOffset, tar.byteLength);
  let place = 0;
  while (place + blockBytes <= buffer.length && buffer[place] !== 0) {
    const header = buffer.subarray(place, place + blockBytes);
    if (header.toString("latin1", 257, 262) !== "ustar") throw new Error("archive/tar: invalid tar header");
    const size = Number.parseInt(textAt(header, 124, 12), 8);
    const prefix = textAt(header, 345, 155);
    const name = (prefix === "" ? "" : `${prefix}/`) + textAt(header, 0, 100);
    const bytes = buffer.subarray(place + blockBytes, place + blockBytes + size);
    const mode = Number.parseInt(textAt(header, 100, 8), 8) & 0o7777; // engines put the type there, too
    const kind = String.fromCharCode(header[156] ?? 0);
    if (kind === types.file || kind === "\0") entries.push({ name, type: "file", bytes, mode });
    if (kind === types.folder) entries.push({ name: name.replace(/\/$/, ""), type: "folder", mode });
    if (kind === types.link) entries.push({ name, type: "link", target: textAt(header, 157, 100), mode });
    place += blockBytes + Math.ceil(size / blockBytes) * blockBytes;
  }
  return entries;
}

function headerOf({ name, type, target = "", mode = 0o755 }: TarEntry, size: number): Uint8Array {
  const header = Buffer.alloc(blockBytes);
  const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, "0");
  header.write(type === "folder" ? `${name}/` : name, 0, 100);
  header.write(octal(mode, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(size, 12), 124);
  header.write(octal(0, 12), 136);
  header.write(" ".repeat(8), 148);
  header.write(types[type], 156);
  header.write(target, 157, 100);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function textAt(header: Buffer, start: number, length: number): string {
  const text = header.toString("utf8", start, start + length);
  const end = text.indexOf("\0");
  return (end < 0 ? text : text.slice(0, end)).trim();
}
