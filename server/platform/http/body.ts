import type { NativeResponse } from './uws.ts';

/** What became of a request's body. */
export type BodyOutcome = Uint8Array | 'too_large' | 'malformed_length';

/**
 * Collects a body of at most `bytesMax` bytes; more is never kept, whatever was announced. Calls back once: at once
 * when the announced length is too large, else with the last byte. Never calls back when the client goes away.
 * Must be called in the synchronous part of a request handler.
 */
export function collectBody(
  native: NativeResponse,
  contentLengths: readonly string[],
  bytesMax: number,
  done: (outcome: BodyOutcome) => void,
): void {
  const announced = announcedLength(contentLengths);
  let finished = false;
  const finish = (outcome: BodyOutcome) => {
    finished = true;
    done(outcome);
  };
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  // Registered in any case: what still arrives after a refusal is read and dropped, so that the client gets to read
  // the answer instead of a reset connection.
  native.onData((chunk, isLast) => {
    if (finished) return;
    bytes += chunk.byteLength;
    if (bytes > bytesMax) {
      chunks = [];
      finish('too_large');
      return;
    }
    // The library takes the chunk's memory back after this call.
    if (chunk.byteLength > 0) chunks.push(new Uint8Array(chunk.slice(0)));
    if (isLast) finish(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, bytes));
  });
  if (announced === 'malformed') finish('malformed_length');
  else if (announced > bytesMax) finish('too_large');
}

/** Several lengths, even equal ones, are how one request is made to look like two (RFC 9112 section 11.2): refused. */
function announcedLength(contentLengths: readonly string[]): number | 'malformed' {
  if (contentLengths.length === 0) return 0;
  const [text] = contentLengths;
  if (contentLengths.length > 1 || text === undefined || !/^\d{1,15}$/.test(text)) return 'malformed';
  return Number(text);
}
