import { readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { StartError } from '../../../server/kernel/start-error.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { createChallengeServer } from '../../../server/platform/tls/acme/challenge-server.ts';
import type { OrderCertificate } from '../../../server/platform/tls/acme/orders.ts';
import { createTlsFromAcme } from '../../../server/platform/tls/acme/tls-from-acme.ts';
import { makeCertificate, testFolder } from '../../support/certificates.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { eventually, keepingLogger } from './server-under-test.ts';

const DOMAINS = ['home.example.org', 'www.example.org'];
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

interface Answer {
  readonly status: number | undefined;
  readonly location: string | undefined;
  readonly body: string;
}

/** Asks in clear text for a path of this name. */
function ask(port: number, host: string, path: string, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path, method, headers: { host } }, (response) => {
      let body = '';
      response.on('data', (piece) => {
        body += piece;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode, location: response.headers.location, body }),
      );
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** Minutes that pass one by one, each with what falls due in it. */
async function pass(clock: FakeClock, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    clock.advance(MINUTE_MS);
    await turn();
  }
}

/** An authority that looks at each name as a real one does, and gives certificates of so many days; or refuses. */
async function setUp({ days = 90, domains = DOMAINS, folder = testFolder() } = {}) {
  const authority = { refusal: null as string | null, orders: 0 };
  const beganMs = createSystemClock().nowMs();
  const clock = new FakeClock(beganMs);
  const logger = keepingLogger();
  const challenges = createChallengeServer({
    host: '127.0.0.1',
    port: 0,
    domains,
    originOf: (name) => `https://${name}:8443`,
  });
  let port = 0;
  const order: OrderCertificate = async ({ domains: names, answer, forget }) => {
    authority.orders += 1;
    if (authority.refusal !== null) throw new Error(authority.refusal);
    for (const [index, name] of names.entries()) {
      answer(`token-${index}`, `text-${index}`);
      const { body } = await ask(port, name, `/.well-known/acme-challenge/token-${index}`);
      expect(body).toBe(`text-${index}`);
      forget(`token-${index}`);
    }
    const made = await makeCertificate(folder, `order-${authority.orders}`, {
      days: days + Math.round((clock.nowMs() - beganMs) / DAY_MS),
      names: names.map((name) => `DNS:${name}`).join(','),
    });
    return {
      certificatePem: readFileSync(made.certificateFile, 'utf8'),
      keyPem: readFileSync(made.keyFile, 'utf8'),
    };
  };
  const start = async () => {
    const tls = createTlsFromAcme(
      { folder: join(folder, 'tls'), domains, versionMin: '1.3' },
      {
        clock,
        logger,
        order,
        challenges: {
          ...challenges,
          start: async () => {
            port = await challenges.start();
            return port;
          },
        },
      },
    );
    onTestFinished(() => tls.stop());
    await tls.start();
    return tls;
  };
  return { authority, clock, logger, folder, start, port: () => port };
}

describe('a server with names and an authority', () => {
  test('has a certificate for all of them, in a file that nobody else reads', async () => {
    const { start, folder, logger } = await setUp();
    const tls = await start();
    expect(tls.current().certificatePem).toContain('BEGIN CERTIFICATE');
    expect(statSync(join(folder, 'tls', 'certificate-and-key.pem')).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(logger.lines)).not.toContain('PRIVATE KEY');
  });

  test('goes on with it when it is started again, and orders another one for another name', async () => {
    const first = await setUp();
    await (await first.start()).stop();
    const again = await setUp({ folder: first.folder });
    await (await again.start()).stop();
    expect(again.authority.orders).toBe(0);
    const other = await setUp({ folder: first.folder, domains: [...DOMAINS, 'new.example.org'] });
    await other.start();
    expect(other.authority.orders).toBe(1);
  });

  test('renews it when a third of its time is left, and shows the new one without a restart', async () => {
    const { start, authority, clock } = await setUp({ days: 90 });
    const tls = await start();
    const before = tls.current().certificatePem;
    let renewed = 0;
    tls.whenRenewed(() => {
      renewed += 1;
    });
    clock.advance(59 * DAY_MS);
    await pass(clock, 2);
    expect(authority.orders).toBe(1);
    clock.advance(2 * DAY_MS);
    await eventually('the new certificate', async () => {
      await pass(clock, 1);
      return renewed > 0;
    });
    expect(authority.orders).toBe(2);
    expect(tls.current().certificatePem).not.toBe(before);
  });

  test('goes on with the old one while the authority refuses, and asks less and less often', async () => {
    const { start, authority, clock, logger } = await setUp({ days: 90 });
    const tls = await start();
    const before = tls.current().certificatePem;
    authority.refusal = 'rateLimited: too many';
    clock.advance(61 * DAY_MS);
    await pass(clock, 61);
    // The first one, one that is due, and those 2, 4, 8 and 16 minutes later; the next one would be after 32 more.
    expect(authority.orders).toBe(1 + 1 + 4);
    expect(tls.current().certificatePem).toBe(before);
    expect(JSON.stringify(logger.lines)).toContain('rateLimited: too many');
  });

  test('does not start without any, says why, and does not ask again at once when it is started again', async () => {
    const first = await setUp();
    first.authority.refusal = 'home.example.org leads to nobody';
    await expect(first.start()).rejects.toThrow(StartError);
    const again = await setUp({ folder: first.folder });
    await expect(again.start()).rejects.toThrow(/home\.example\.org leads to nobody .*next try/);
    expect(again.authority.orders).toBe(0);
    const later = await setUp({ folder: first.folder });
    later.clock.advance(3 * MINUTE_MS);
    await later.start();
    expect(later.authority.orders).toBe(1);
  });
});

describe('the port in clear text', () => {
  test('sends people to TLS under their own name, and nobody anywhere else', async () => {
    const { start, port } = await setUp();
    await start();
    expect(await ask(port(), 'home.example.org', '/devices?a=1')).toMatchObject({
      status: 301,
      location: 'https://home.example.org:8443/devices?a=1',
    });
    expect(await ask(port(), 'HOME.example.org:80', '//evil.example/')).toMatchObject({
      location: 'https://home.example.org:8443//evil.example/',
    });
    expect(await ask(port(), 'evil.example', '/')).toMatchObject({ status: 404, location: undefined });
    expect(await ask(port(), 'home.example.org', '/.well-known/acme-challenge/unknown')).toMatchObject({
      status: 404,
    });
    expect(await ask(port(), 'home.example.org', '/api/v1/users', 'POST')).toMatchObject({ status: 405 });
  });
});
