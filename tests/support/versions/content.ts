import OpenAI from 'openai';
import { FrameType } from '../../../proto/index.ts';
import { type CrashHousehold, call } from '../crash/household.ts';
import { clientOf, onReading, provide, readingOf } from '../crash/load.ts';
import type { ServerProcess } from '../server-process.ts';

/** Where a server is. */
export type Reachable = Pick<ServerProcess, 'httpUrl' | 'webSocketUrl'>;

/** Positions of readings in the stream, each with its text. */
export type Readings = readonly (readonly [number, string])[];

/** Stores readings of the sensor with these numbers; where they were stored. */
export async function storeReadings(
  server: Reachable,
  { sensor }: CrashHousehold,
  numbers: readonly number[],
): Promise<Readings> {
  const client = clientOf(server, sensor);
  await client.connect();
  const stored: [number, string][] = [];
  for (const number of numbers) {
    const { offset } = await client.send({ type: FrameType.EVENT, payload: readingOf('sensor', number) });
    stored.push([offset, `sensor:${number}`]);
  }
  client.close();
  return stored;
}

/** Reads the stream as a device that has not read any of it yet. */
export async function readReadings(server: Reachable, { archive }: CrashHousehold): Promise<Readings> {
  const client = clientOf(server, archive);
  const read: [number, string][] = [];
  let arrived = () => {};
  onReading(client, (offset, text) => {
    read.push([offset, text]);
    arrived();
  });
  const { head } = await client.connect();
  while (read.at(-1)?.[0] !== head.offset) {
    await new Promise<void>((resolve) => {
      arrived = resolve;
    });
  }
  client.close();
  return read;
}

/** Buys one completion of the household's own provider. */
export async function buyCompletion(server: Reachable, household: CrashHousehold): Promise<string | null> {
  const machine = await provide(server, household.machine);
  const openAi = new OpenAI({ baseURL: `${server.httpUrl}/v1`, apiKey: household.token, maxRetries: 0 });
  const answer = await openAi.chat.completions.create({
    model: 'oracle',
    max_tokens: 50,
    messages: [{ role: 'user', content: 'What?' }],
  });
  machine.close();
  return answer.choices[0]?.message.content ?? null;
}

/** What the product says of every kind of thing it keeps, by path. */
export async function readAnswers(
  server: Reachable,
  household: CrashHousehold,
): Promise<Readonly<Record<string, unknown>>> {
  const { token, sellerToken, adminToken, sensor } = household;
  const asked: readonly (readonly [string, string, string])[] = [
    ['buyer', token, '/api/v1/users/me'],
    ['seller', sellerToken, '/api/v1/users/me'],
    ['operator', adminToken, '/api/v1/users/me'],
    ['buyer', token, '/api/v1/tenants'],
    ['buyer', token, '/api/v1/members'],
    ['buyer', token, '/api/v1/networks'],
    ['buyer', token, `/api/v1/networks/${sensor.networkId}`],
    ['buyer', token, '/api/v1/devices'],
    ['buyer', token, `/api/v1/devices/${sensor.deviceId}/networks`],
    ['seller', sellerToken, '/api/v1/devices'],
    ['buyer', token, '/api/v1/ledger/balance'],
    ['buyer', token, '/api/v1/ledger/entries'],
    ['seller', sellerToken, '/api/v1/ledger/balance'],
    ['seller', sellerToken, '/api/v1/ledger/entries'],
    ['operator', adminToken, '/api/v1/ledger/trial-balance'],
    ['buyer', token, '/api/v1/marketplace/transactions'],
    ['seller', sellerToken, '/api/v1/marketplace/transactions'],
  ];
  const answers: Record<string, unknown> = {};
  for (const [who, by, path] of asked)
    answers[`${who} ${path}`] = await call(server, 'GET', path, { token: by });
  return answers;
}
