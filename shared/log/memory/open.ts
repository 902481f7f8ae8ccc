/**
 * The three ports over one state in memory: for simulations, tests and benches, and the reference that the other adapters are
 * compared with. What is closed is gone.
 */
import { MemoryCells } from "./cells.ts";
import { Lives } from "./life.ts";
import { MemoryLog, type MemoryLogOptions } from "./log.ts";
import { MemoryObjects } from "./objects.ts";

export type MemoryStore = {
  readonly log: MemoryLog;
  readonly objects: MemoryObjects;
  readonly cells: MemoryCells;
  close(): Promise<void>;
};

export function openMemory(options: MemoryLogOptions = {}): MemoryStore {
  const lives = new Lives();
  return {
    log: new MemoryLog(lives, options),
    objects: new MemoryObjects(lives),
    cells: new MemoryCells(lives),
    close: async () => undefined,
  };
}
