/**
 * The embedded host: data folder, app, certificates, token, listener and client files, started in the order that leaves a
 * foreign data folder untouched (the app opens the store, and refuses one, before anything is written) and closed in the
 * reverse one.
 */
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { Authenticator } from "../../shared/access/access.ts";
import { type Tokens, tokenAuthenticator } from "../../shared/access/tokens.ts";
import type { Clock } from "../../shared/base/clock.ts";
import type { Logger } from "../../shared/base/logger.ts";
import type { Handle } from "../../shared/http/exchange.ts";
import { ensureCertificates } from "./certificates.ts";
import type { Config } from "./config.ts";
import { type ClientFiles, ensureAdminToken, writeClientFiles } from "./credentials.ts";
import type { StreamedFront } from "./docker-front.ts";
import { makePrivateFolder } from "./files.ts";
import { Listener } from "./listener.ts";
import { fingerprintOf, otherName, readOwnCertificate, type ServedCertificate } from "./own-certificate.ts";
import { refuseUpgrades, type UpgradeHook } from "./upgrade.ts";

/** The host's own certificates are looked at so often while it runs. */
const renewalMs = 24 * 3600 * 1000;
/** And the files of a certificate that somebody else renews. */
const rereadMs = 10_000;

/** What the host serves. */
type HostedApp = {
  /** The instance that the app's own authenticator asks: a revocation then counts at once. */
  readonly tokens: Tokens;
  /** Who may upgrade a connection; absent: the holders of tokens. */
  readonly authenticator?: Authenticator;
  readonly handle: Handle;
  /** Answers its own requests in place of `handle`. */
  readonly streamed?: StreamedFront;
  /** Absent: upgrades are refused with 501, after the token check. */
  readonly upgrade?: UpgradeHook;
  /** Ends the answers that would go on for ever (watches). Called when closing begins; requests under way still end after it. */
  stop?(): void;
  /** Called once, when no connection is left. */
  close(): Promise<void>;
};

/** Opens the store in `config.data`, which exists, and builds the app on it. When it rejects, nothing is left open. */
export type BuildApp = (config: Config) => Promise<HostedApp>;

export type HostOptions = { readonly buildApp: BuildApp; readonly clock: Clock; readonly logger: Logger };

export type Host = {
  /** `https://host:port`, as clients of this machine reach it. */
  readonly url: string;
  readonly files: ClientFiles;
  /** May be called again; resolves when the store is closed. */
  close(): Promise<void>;
};

/** @throws StartError, or what `buildApp` throws; then nothing is left open. */
export async function startHost(config: Config, options: HostOptions): Promise<Host> {
  await makePrivateFolder(config.data);
  const app = await options.buildApp(config);
  try {
    return await serveApp(config, app, options);
  } catch (error) {
    app.stop?.();
    await app.close();
    throw error;
  }
}

async function serveApp(config: Config, app: HostedApp, { clock, logger }: HostOptions): Promise<Host> {
  const token = await ensureAdminToken(config.data, app.tokens);
  const certificates = await certificatesOf(config, clock);
  const { handle, streamed, upgrade = refuseUpgrades(app.authenticator ?? tokenAuthenticator(app.tokens)) } = app;
  const listener = new Listener({ host: config.host, port: config.port, keys: certificates, handle, streamed, upgrade, logger });
  const { port } = await listener.listen();
  const url = urlOf(config.host, port);
  const writeFiles = (served: ServedCertificate): Promise<ClientFiles> =>
    writeClientFiles({ folder: config.data, url, token, ...trustIn(served, url) });
  const files = await orClose(listener, writeFiles(certificates));
  const closing = new AbortController();
  let served = await orClose(listener, fingerprintOf(config.tls));
  const renewal = renewOften({ clock, logger, signal: closing.signal, everyMs: config.tls ? rereadMs : renewalMs }, async () => {
    const found = await fingerprintOf(config.tls);
    if (found !== undefined && found === served) return;
    const renewed = await certificatesOf(config, clock);
    listener.useKeys(renewed);
    await writeFiles(renewed);
    served = found;
  });
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    closing.abort();
    app.stop?.();
    await listener.close();
    await renewal;
    await app.close();
  };
  return { url, files, close: () => (closed ??= close()) };
}

async function orClose<T>(listener: Listener, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await listener.close();
    throw error;
  }
}

type RenewalOptions = {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly everyMs: number;
};

/**
 * Resolves when `signal` aborts. A renewal that fails is logged and tried again the next time; until then the former certificate is
 * served: the host's own has thirty days left, and one of whose files only one has changed will soon have the other.
 */
async function renewOften({ clock, logger, signal, everyMs }: RenewalOptions, renew: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await clock.sleep(everyMs, signal);
      await renew();
    } catch (error) {
      if (!signal.aborted) logger.log("error", "the certificates can't be renewed", { error });
    }
  }
}

async function certificatesOf({ data, host, tls }: Config, clock: Clock): Promise<ServedCertificate> {
  if (tls !== undefined) return readOwnCertificate(tls);
  // Clients don't come by a wildcard: from elsewhere they come by the machine's name.
  const hosts = [isWildcard(host) ? hostname() : host];
  return ensureCertificates({ folder: data, hosts, now: clock.now() });
}

/** What a client of this machine needs to trust the certificate at `url`, which may be made for other names only. */
function trustIn({ ca, cert }: ServedCertificate, url: string): { readonly ca?: string; readonly serverName?: string } {
  const serverName = otherName(cert, new URL(url).hostname.replace(/^\[|\]$/g, ""));
  return { ...(ca !== undefined && { ca }), ...(serverName !== undefined && { serverName }) };
}

function urlOf(host: string, port: number): string {
  const reachable = isWildcard(host) ? (isIP(host) === 6 ? "::1" : "127.0.0.1") : host;
  return `https://${isIP(reachable) === 6 ? `[${reachable}]` : reachable}:${port}`;
}

const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::";
