import { createEventReader, type ServerEvent } from './event-reader.ts';

/** Reads a body to its end, and gives its events as they come. */
export async function readEvents(response: Response, receive: (event: ServerEvent) => void): Promise<void> {
  const read = createEventReader(receive);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const piece = await reader?.read();
    if (piece === undefined || piece.done) return;
    read(piece.value);
  }
}
