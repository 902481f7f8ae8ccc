/** A container's files over its image's: as paths from the root, without links. A few kilobytes; real ones are the engines' business. */
import { packTar, type TarEntry, unpackTar } from "./tar.ts";

export type SimulatedFile = { readonly bytes: Uint8Array; readonly mode: number };
export type Change = { readonly Path: string; readonly Kind: number };

/** What every image has. */
const folders = ["/", "/bin", "/tmp", "/etc"];

export class FileSystem {
  readonly #image: ReadonlyMap<string, SimulatedFile>;
  readonly #own = new Map<string, SimulatedFile>();

  constructor(image: ReadonlyMap<string, SimulatedFile>) {
    this.#image = image;
  }

  read(path: string): SimulatedFile | undefined {
    return this.#own.get(path) ?? this.#image.get(path);
  }

  write(path: string, bytes: Uint8Array, mode = 0o644): void {
    this.#own.set(path, { bytes, mode });
  }

  isFolder(path: string): boolean {
    const clean = path === "/" ? "/" : path.replace(/\/$/, "");
    return folders.includes(clean) || [...this.all().keys()].some((one) => one.startsWith(`${clean}/`));
  }

  all(): ReadonlyMap<string, SimulatedFile> {
    return new Map([...this.#image, ...this.#own]);
  }

  /** Kind 0: changed, 1: added. */
  changes(): readonly Change[] {
    return [...this.#own.keys()].map((Path) => ({ Path, Kind: this.#image.has(Path) ? 0 : 1 }));
  }

  /** @throws Error when it is no tar. */
  unpack(folder: string, tar: Uint8Array): void {
    for (const { name, type, bytes, mode } of unpackTar(tar)) {
      if (type === "file") this.write(`${folder.replace(/\/$/, "")}/${name}`, bytes ?? new Uint8Array(), mode);
    }
  }

  /** Names are relative to the folder that holds `path`, as Docker's are. */
  pack(path: string): Uint8Array {
    const clean = path === "/" ? "" : path.replace(/\/$/, "");
    const base = clean.slice(0, clean.lastIndexOf("/") + 1);
    const entries = [...this.all()].filter(([one]) => one === clean || one.startsWith(`${clean}/`));
    return packTar(
      entries.map(
        ([one, { bytes, mode }]): TarEntry => ({ name: one.slice(Math.max(1, base.length)), type: "file", bytes, mode }),
      ),
    );
  }
}
