/** What an engine is spoken to with over TLS, in PEM. */
export type TlsMaterial = {
  /** The client's certificate and key; absent: the engine asks for none. */
  readonly cert?: string;
  readonly key?: string;
  /** Who signed the engine's certificate; absent: the well-known authorities. */
  readonly ca?: string;
};
