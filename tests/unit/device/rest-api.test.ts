import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { logIn } from '../../../device/console/login.ts';
import { restApi } from '../../../device/node/rest-api.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** What answers like this: its origin. */
async function answering(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return `http://127.0.0.1:${port}`;
}

/** All that a command may ask a server. */
const ASKING: [string, (server: string) => Promise<unknown>][] = [
  ['a question', (server) => restApi({ server, token: 't' }).ask('POST', '/api/v1/x', { text: 'private' })],
  ['a file', (server) => restApi({ server, token: 't' }).put('/api/v1/x', new Uint8Array(8))],
  [
    'a conversation',
    async (server) => {
      const events = restApi({ server, token: 't' }).events('/v1/x', { body: { text: 'private' } });
      for await (const event of events) expect.unreachable(String(event.data));
    },
  ],
  ['signing in', (server) => logIn({ server, json: true }, { pause: async () => undefined })],
];

describe('what a command asks', () => {
  it.each(ASKING)('goes to its server alone, wherever that sends it: %s', async (_, ask) => {
    const heard: string[] = [];
    const other = await answering((request, response) => {
      heard.push(`${request.method} ${request.url}`);
      response.end('{}');
    });
    const server = await answering((request, response) => {
      request.resume();
      response.writeHead(307, { location: other + request.url }).end();
    });
    await expect(ask(server)).rejects.toThrow(`The server of ${server} is elsewhere: ${other}`);
    expect(heard).toEqual([]);
  });

  it.each(['<html></html>', 'null', '7'])('is answered by a Yggdrasil, not with %s', async (text) => {
    const server = await answering((request, response) => {
      request.resume();
      response.end(text);
    });
    const said = `What answers at ${server} is no Yggdrasil.`;
    await expect(restApi({ server, token: 't' }).ask('GET', '/api/v1/x')).rejects.toThrow(said);
    await expect(logIn({ server, json: true }, { pause: async () => undefined })).rejects.toThrow(said);
  });
});
