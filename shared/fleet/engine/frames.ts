/**
 * Docker's multiplexed output: of a container or exec without a terminal each piece has a header of eight bytes: the stream (1
 * stdout, 2 stderr), three zeros, the piece's length. Pieces are handed on as they come; nothing is gathered.
 */
export type StreamName = "stdout" | "stderr";
export type Piece = { readonly stream: StreamName; readonly bytes: Uint8Array };

const headerBytes = 8;

/** One frame. */
export function frame({ stream, bytes }: Piece): Uint8Array {
  const made = Buffer.alloc(headerBytes + bytes.length);
  made.writeUInt8(stream === "stdout" ? 1 : 2, 0);
  made.writeUInt32BE(bytes.length, 4);
  made.set(bytes, headerBytes);
  return made;
}

/** Takes frames apart. @throws Error where the bytes are no frames, or end in the middle of one. */
export async function* pieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Piece, void, undefined> {
  let header = Buffer.alloc(0);
  let stream: StreamName = "stdout";
  let left = 0;
  for await (const chunk of source) {
    let rest = chunk;
    while (rest.length > 0) {
      if (left === 0) {
        const taken = rest.subarray(0, headerBytes - header.length);
        rest = rest.subarray(taken.length);
        header = Buffer.concat([header, taken]);
        if (header.length < headerBytes) continue;
        stream = streamOf(header);
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const bytes = rest.subarray(0, left);
      left -= bytes.length;
      rest = rest.subarray(bytes.length);
      yield { stream, bytes };
    }
  }
  if (left > 0 || header.length > 0) throw new Error("multiplexed output ended in the middle of a frame");
}

function streamOf(header: Buffer): StreamName {
  // 0 is what engines call stdin and use for output of a terminal that was reattached.
  const kind = header.readUInt8(0);
  if (kind > 2 || header.readUIntBE(1, 3) !== 0) throw new Error(`multiplexed output has a frame of kind ${kind}`);
  return kind === 2 ? "stderr" : "stdout";
}
