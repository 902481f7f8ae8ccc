/**
 * The floor that Windlass is compared with: Node's own HTTP server over SQLite with the same durability (group commit, full sync),
 * and nothing else: no token, no schema, no versions, no watches, but a path whose answer never ends. `node bare-server.ts <folder>`
 * prints its port.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

type Waiting = { readonly key: string; readonly value: string; readonly answer: () => void };

const database = new DatabaseSync(path.join(process.argv[2] ?? ".", "bare.db"));
database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS objects (key TEXT PRIMARY KEY, value TEXT) STRICT;`);
const upsert = database.prepare("INSERT INTO objects VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
const select = database.prepare("SELECT value FROM objects WHERE key = ?");

/** Its answer is begun and never ended, as a watch's where nothing happens. */
const heldPath = "/held";

let waiting: Waiting[] = [];

function write(one: Waiting): void {
  waiting.push(one);
  if (waiting.length === 1) setImmediate(flush);
}

function flush(): void {
  const group = waiting;
  waiting = [];
  database.exec("BEGIN IMMEDIATE");
  for (const { key, value } of group) upsert.run(key, value);
  database.exec("COMMIT");
  for (const { answer } of group) answer();
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function read(request: IncomingMessage, then: (body: string) => void): void {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk: string) => {
    body += chunk;
  });
  request.on("end", () => then(body));
}

const server = createServer((request, response) => {
  const key = request.url ?? "";
  if (key === heldPath) {
    response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    return;
  }
  if (request.method === "PUT") {
    read(request, (body) => write({ key, value: body, answer: () => send(response, 200, body) }));
    return;
  }
  const value = select.get(key)?.["value"];
  send(response, value === undefined ? 404 : 200, typeof value === "string" ? value : "");
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
