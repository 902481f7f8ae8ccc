/**
 * What a process counts and Prometheus reads at /metrics (metrics-route.ts). Counters are moved
 * as things happen, each by a handful of instructions; gauges are looked up when they are asked for (metrics-gauges.ts). Labels come
 * from fixed sets only: verbs, kinds, status codes.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";
import type { CommitEvent } from "../state/committer.ts";

export type MetricsOptions = {
  /** Of this process alone: two apps in one process have two. */
  readonly registry: Registry;
  /** Whether the process' own (CPU, memory, event loop, garbage) belong to it. */
  readonly withProcess: boolean;
};

/** What a request was for. Both from fixed sets: a path's words are no labels. */
export type Measured = { readonly verb: string; readonly kind: string };

/** 0.5 ms, where an embedded commit is, to 10 s, beyond every time-out of a commit. */
const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Ended = { readonly count: Counter.Internal; readonly seconds: Histogram.Internal<string> };

export class Metrics {
  readonly registry: Registry;
  readonly #requests: Counter<"verb" | "kind" | "code">;
  readonly #seconds: Histogram<"verb" | "kind">;
  readonly #underWay: Gauge;
  readonly #commits: Readonly<Record<CommitEvent, Counter>>;
  /** By verb, kind and code: looking a label set up costs more than counting. */
  readonly #ended = new Map<string, Ended>();
  #open = 0;

  constructor({ registry, withProcess }: MetricsOptions) {
    this.registry = registry;
    const registers = [registry];
    const counter = (name: string, help: string) => new Counter({ name: `windlass_${name}`, help, registers });
    if (withProcess) collectDefaultMetrics({ register: registry });
    this.#requests = new Counter({
      name: "windlass_http_requests_total",
      help: "Requests that were answered.",
      labelNames: ["verb", "kind", "code"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "windlass_http_request_duration_seconds",
      help: "From a request's headers to its answer's; a watch's is its beginning.",
      labelNames: ["verb", "kind"],
      buckets: secondsBuckets,
      registers,
    });
    this.#underWay = new Gauge({
      name: "windlass_http_requests_under_way",
      help: "Requests without an answer yet.",
      registers,
      collect: () => this.#underWay.set(this.#open),
    });
    this.#commits = {
      commit: counter("commits_total", "Entries that were committed."),
      conflict: counter("commit_conflicts_total", "Appends that met another's entry and ran again."),
      unclear: counter("commit_unclear_total", "Appends without a clear answer, which were put again."),
    };
  }

  /** For the stores' `observe`. */
  readonly committed = (event: CommitEvent, count = 1): void => this.#commits[event].inc(count);

  /** Call it when a request came; what comes back, when it is answered. */
  begun(): void {
    this.#open += 1;
  }

  ended({ verb, kind }: Measured, code: number, seconds: number): void {
    this.#open -= 1;
    const key = `${verb} ${kind} ${code}`;
    let ended = this.#ended.get(key);
    if (ended === undefined) {
      ended = { count: this.#requests.labels(verb, kind, String(code)), seconds: this.#seconds.labels(verb, kind) };
      this.#ended.set(key, ended);
    }
    ended.count.inc();
    ended.seconds.observe(seconds);
  }
}
