import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a stand-in answers one completion. */
export type Answering = (response: ServerResponse, body: Record<string, unknown>) => void | Promise<void>;

/** An OpenAI-compatible endpoint that keeps what it was asked, and answers each completion as its test says. */
export class EndpointStandIn {
  readonly asked: Record<string, unknown>[] = [];
  readonly paths: (string | undefined)[] = [];
  /** Bytes of answers that went out. */
  writtenBytes = 0;
  answering: Answering = (response) => says(response, ['Hello']);
  /** Answers everything with this status and body while it is set. */
  denial: { readonly status: number; readonly body: string } | null = null;
  readonly #server: Server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.denial !== null) {
      response.writeHead(this.denial.status, { 'content-type': 'application/json' }).end(this.denial.body);
    } else if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[{"id":"m"}]}');
    } else {
      const parts: Buffer[] = [];
      for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
      const body = JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>;
      this.asked.push(body);
      this.paths.push(request.url);
      await this.answering(response, body);
    }
  }

  /** Answers without end, as fast as it is read, until nobody reads any more. */
  readonly floods: Answering = async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const event = `data: ${JSON.stringify({ choices: [{ delta: { content: 'word '.repeat(8_000) } }] })}\n\n`;
    let goOn = () => {};
    response.on('drain', () => goOn());
    response.on('close', () => goOn());
    while (!response.destroyed) {
      this.writtenBytes += event.length;
      const drained = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      if (!response.write(event)) await drained;
    }
  };
}

/** Streams deltas and a finish reason. */
export function says(
  response: ServerResponse,
  pieces: readonly (string | object)[],
  finishReason = 'stop',
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const piece of pieces) {
    const delta = typeof piece === 'string' ? { content: piece } : piece;
    response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`);
  }
  const last = { choices: [{ index: 0, delta: {}, finish_reason: finishReason }] };
  response.end(`data: ${JSON.stringify(last)}\n\ndata: [DONE]\n\n`);
}
