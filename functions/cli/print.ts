/** Tables as kubectl prints them, and ages. */

/** Columns are as wide as their widest cell; three spaces part them. */
export function tableText(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `${row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd()}\n`;
  return all.map(line).join("");
}

export const jsonLine = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;

const unitsMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const;

/** `30d`, `12h`, `1d12h`, or an RFC 3339 time: as milliseconds since 1970; undefined: it is neither. */
export function parseExpiry(text: string, now: number): number | undefined {
  if (/^(\d{1,6}[dhms])+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+)([dhms])/g)];
    return now + parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitsMs[unit as keyof typeof unitsMs], 0);
  }
  const time = /^\d{4}-\d\d-\d\d(T\S+)?$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
