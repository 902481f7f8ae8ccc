/** An image registry that simulated engines share: what one pushes another pulls. It may want credentials. */
import type { RegistryAuth } from "../engine/transfers.ts";
import type { SimulatedImage } from "./world.ts";

export class SimulatedRegistry {
  /** host:port, as it stands before an image's name. */
  readonly host: string;
  /** Whom it lets in; undefined: everybody. */
  credentials: { readonly username: string; readonly password: string } | undefined;
  readonly #images = new Map<string, SimulatedImage>();

  constructor(host: string) {
    this.host = host;
  }

  allows(auth: RegistryAuth | undefined): boolean {
    const { credentials } = this;
    return credentials === undefined || (auth?.username === credentials.username && auth.password === credentials.password);
  }

  put(reference: string, image: SimulatedImage): void {
    this.#images.set(reference, image);
  }

  get(reference: string): SimulatedImage | undefined {
    return this.#images.get(reference);
  }

  /** Of an image: made of its id, so the same wherever it is pushed. */
  digestOf = ({ id }: SimulatedImage): string => `sha256:${[...id.slice("sha256:".length)].reverse().join("")}`;
}
