/**
 * Virtual time: a queue of what happens next, run one by one, each until nothing more follows from it without waiting. Nothing
 * else lets time pass, so a run is a pure function of what was scheduled.
 */

type Event = { readonly atMs: number; readonly order: number; readonly run: () => void; isCancelled: boolean };

/** How far apart events lie that may happen as one. */
const togetherMs = 4;

export class Scheduler {
  readonly #heap: Event[] = [];
  #nowMs: number;
  #order = 0;
  #steps = 0;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }
  get steps(): number {
    return this.#steps;
  }
  get empty(): boolean {
    return this.#heap.length === 0;
  }

  /** What comes back takes it out again. */
  after(ms: number, run: () => void): () => void {
    this.#order += 1;
    const event = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order, run, isCancelled: false };
    push(this.#heap, event);
    return () => {
      event.isCancelled = true;
    };
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Runs what comes next, up to `together` more of what is near in the same turn of the event loop; then what follows from it. False when nothing waits. */
  async step(together: number): Promise<boolean> {
    this.#dropCancelled();
    const event = pop(this.#heap);
    if (event === undefined) return false;
    this.#run(event);
    for (let more = 0; more < together && this.#isSoon(); more += 1) {
      const next = pop(this.#heap);
      if (next !== undefined) this.#run(next);
    }
    await settled();
    return true;
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.isCancelled === true) pop(this.#heap);
  }

  #isSoon(): boolean {
    this.#dropCancelled();
    const next = this.#heap[0];
    return next !== undefined && next.atMs - this.#nowMs <= togetherMs;
  }

  #run({ atMs, run }: Event): void {
    this.#steps += 1;
    this.#nowMs = Math.max(this.#nowMs, atMs);
    run();
  }
}

/** All promise reactions run before the event loop comes to its check phase. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const before = (left: Event, right: Event): boolean =>
  left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);

function push(heap: Event[], event: Event): void {
  let place = heap.length;
  heap.push(event);
  while (place > 0) {
    const parent = (place - 1) >>> 1;
    if (!before(event, heap[parent] as Event)) break;
    heap[place] = heap[parent] as Event;
    place = parent;
  }
  heap[place] = event;
}

function pop(heap: Event[]): Event | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child += 1;
    if (!before(heap[child] as Event, last)) break;
    heap[place] = heap[child] as Event;
    place = child;
  }
  heap[place] = last;
  return top;
}
