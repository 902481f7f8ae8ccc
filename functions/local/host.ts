/**
 * The embedded host: data folder, app, certificates, token, listener and client files, started in the order that leaves a
 * foreign data folder untouched (the app opens the store, and refuses one, before anything is written) and closed in the
 * reverse one.
 */
import { isIP } from "node:net";
import { hostname } from "node:os";
import { type Tokens, tokenAuthenticator } from "../../shared/api/access/tokens.ts";
import type { Clock } from "../../shared/base/clock.ts";
import type { Logger } from "../../shared/base/logger.ts";
import { type Certificates, ensureCertificates } from "./certificates.ts";
import type { Config } from "./config.ts";
import { type ClientFiles, ensureAdminToken, writeClientFiles } from "./credentials.ts";
import { makePrivateFolder } from "./files.ts";
import { type Fetch, Listener } from "./listener.ts";
import { refuseUpgrades, type UpgradeHook } from "./upgrade.ts";

/** Certificates are looked at so often while the host runs. */
const renewalMs = 24 * 3600 * 1000;

/** What the host serves. */
type HostedApp = {
  /** The instance that the app's own authenticator asks: a revocation then counts at once. */
  readonly tokens: Tokens;
  readonly fetch: Fetch;
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
  const { fetch, upgrade = refuseUpgrades(tokenAuthenticator(app.tokens)) } = app;
  const listener = new Listener({ host: config.host, port: config.port, keys: certificates, fetch, upgrade, logger });
  const { port } = await listener.listen();
  const url = urlOf(config.host, port);
  const writeFiles = ({ ca }: Certificates): Promise<ClientFiles> => writeClientFiles({ folder: config.data, url, ca, token });
  const files = await orClose(listener, writeFiles(certificates));
  const closing = new AbortController();
  const renewal = renewDaily({ clock, logger, signal: closing.signal }, async () => {
    const renewed = await certificatesOf(config, clock);
    listener.useKeys(renewed);
    await writeFiles(renewed);
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

type RenewalOptions = { readonly clock: Clock; readonly logger: Logger; readonly signal: AbortSignal };

/** Resolves when `signal` aborts. A renewal that fails is logged and tried again the next day: there are thirty of them. */
async function renewDaily({ clock, logger, signal }: RenewalOptions, renew: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await clock.sleep(renewalMs, signal);
      await renew();
    } catch (error) {
      if (!signal.aborted) logger.log("error", "the certificates can't be renewed", { error });
    }
  }
}

function certificatesOf({ data, host }: Config, clock: Clock): Promise<Certificates> {
  // Clients don't come by a wildcard: from elsewhere they come by the machine's name.
  const hosts = [isWildcard(host) ? hostname() : host];
  return ensureCertificates({ folder: data, hosts, now: clock.now() });
}

function urlOf(host: string, port: number): string {
  const reachable = isWildcard(host) ? (isIP(host) === 6 ? "::1" : "127.0.0.1") : host;
  return `https://${isIP(reachable) === 6 ? `[${reachable}]` : reachable}:${port}`;
}

const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::";
