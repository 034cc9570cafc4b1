import { describe, expect, it } from 'vitest';
import type { HttpResponse, RequestAtOnce } from '../../../server/platform/http/types.ts';
import { connectRaw, eventually, route, startServer } from './server-under-test.ts';

/** A server with one route that answers at once, or as any other where it can't. */
async function startWithRoute(answer: (request: RequestAtOnce) => HttpResponse) {
  const others = route('GET', '/files/:name', () => ({ status: 200, body: 'served' }));
  return startServer([{ ...others, handleAtOnce: answer }], [], { corsOrigins: ['https://app.example.org'] });
}

describe('a route that answers at once', () => {
  it('is told what was asked for and by whom, and its answer has what every answer has', async () => {
    const { url } = await startWithRoute((request) => ({
      status: 200,
      headers: { 'content-type': 'text/plain', vary: 'accept' },
      body: [request.path, request.params.name, request.header('x-given'), request.remoteAddress].join(' '),
    }));
    const answer = await fetch(`${url}/files/caf%C3%A9?a=1`, {
      headers: { 'X-Given': 'yes', origin: 'https://app.example.org' },
    });
    expect(await answer.text()).toBe('/files/caf%C3%A9 café yes 127.0.0.1');
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/plain',
      vary: 'accept, Origin',
      'access-control-allow-origin': 'https://app.example.org',
      'x-content-type-options': 'nosniff',
      'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/),
    });
  });

  it('answers HEAD without the body, and 304 without a length', async () => {
    const { url } = await startWithRoute(({ params }) =>
      params.name === 'known' ? { status: 304 } : { status: 200, body: 'a text' },
    );
    const head = await fetch(`${url}/files/new`, { method: 'HEAD' });
    expect([head.headers.get('content-length'), await head.text()]).toEqual(['6', '']);
    const known = await fetch(`${url}/files/known`);
    expect([known.status, known.headers.get('content-length')]).toEqual([304, null]);
  });

  it('serves a request with a body as any other, and several of one connection in their order', async () => {
    const { port } = await startWithRoute(({ params }) => ({
      status: 200,
      body: `at once: ${params.name}.`,
    }));
    const { socket, text } = await connectRaw(port);
    const head = (name: string, more = '') => `GET /files/${name} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
    socket.write(head('a') + head('b'));
    await eventually('both answers', () => /at once: a\.[\s\S]*at once: b\./.test(text()));
    socket.write(`${head('c', 'Content-Length: 4\r\n')}body`);
    await eventually('the third', () => text().endsWith('served'));
  });
});
