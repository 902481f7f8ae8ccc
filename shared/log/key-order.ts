/** The order of keys in every adapter: that of their UTF-8 bytes, which SQLite and DynamoDB compare. */

const firstSurrogate = 0xd800;
const afterSurrogates = 0xe000;

/** Negative where `a` comes first. UTF-16 units order as UTF-8 bytes do, but that surrogates belong above everything else. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let place = 0; place < length; place++) {
    const left = a.charCodeAt(place);
    const right = b.charCodeAt(place);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates change places with the units from U+E000 on. */
function rank(unit: number): number {
  if (unit < firstSurrogate) return unit;
  return unit >= afterSurrogates ? unit - 0x800 : unit + 0x2000;
}
