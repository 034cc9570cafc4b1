import { BODY_BYTES_PER_SECOND_MIN, BODY_GRACE_MS } from './limits.ts';
import type { NativeResponse } from './uws.ts';

/** What became of a request's body. */
export type BodyOutcome = Uint8Array | 'too_large' | 'no_room';

/**
 * Collects a body of at most `bytesMax` bytes; more is never kept, whatever was announced, nor bytes that `takeRoom` finds no
 * room for. Calls back once: at once when the announced length is too large, else with the last byte. Never calls back when the client goes away, or is
 * slower than `BODY_BYTES_PER_SECOND_MIN`: then its connection is cut.
 * Must be called in the synchronous part of a request handler.
 */
export function collectBody(
  native: NativeResponse,
  announcedBytes: number,
  bytesMax: number,
  takeRoom: (bytes: number) => boolean,
  done: (outcome: BodyOutcome) => void,
): void {
  let finished = false;
  const finish = (outcome: BodyOutcome) => {
    finished = true;
    done(outcome);
  };
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  const begunMs = performance.now();
  // Registered in any case: what still arrives after a refusal is read and dropped, so that the client gets to read
  // the answer instead of a reset connection.
  native.onData((chunk, isLast) => {
    if (finished) return;
    bytes += chunk.byteLength;
    if (bytes > bytesMax || !takeRoom(chunk.byteLength)) {
      chunks = [];
      finish(bytes > bytesMax ? 'too_large' : 'no_room');
      return;
    }
    // The library takes the chunk's memory back after this call.
    if (chunk.byteLength > 0) chunks.push(new Uint8Array(chunk.slice(0)));
    if (!isLast) keepReceiving(native, performance.now() - begunMs, bytes);
    else finish(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, bytes));
  });
  if (announcedBytes > bytesMax) finish('too_large');
}

/** Gives the client time for more, or cuts the connection of one that is too slow. */
function keepReceiving(native: NativeResponse, passedMs: number, bytes: number): void {
  const allowedMs = BODY_GRACE_MS + (bytes / BODY_BYTES_PER_SECOND_MIN) * 1000;
  if (passedMs > allowedMs) {
    native.close();
    return;
  }
  // The library wants 160 KB within 10 s; resuming begins its time limit anew.
  native.pause();
  native.resume();
}
