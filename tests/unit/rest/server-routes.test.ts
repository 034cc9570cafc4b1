import { expect, test } from 'vitest';
import type { Clock } from '../../../server/kernel/clock.ts';
import type { Logger } from '../../../server/kernel/logger.ts';
import { errorTable } from '../../../server/transports/error-table.ts';
import type { HttpOperation } from '../../../server/transports/pipeline/http-operation.ts';
import { createServerRoutes } from '../../../server/transports/rest/server-routes.ts';
import { STILL_CLOCK, serving } from './rest-under-test.ts';

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const DESCRIPTION = {
  passwords: 'off',
  signUp: 'closed',
  sendsMail: false,
  mqtt: { port: 1883, tls: false, reachable: true },
  ratatoskr: null,
} as const;

function routeOf(
  operation: string,
  checks: Record<string, () => Promise<unknown>> = {},
  clock: Clock = STILL_CLOCK,
) {
  const routes = createServerRoutes({
    checks,
    clock,
    logger: SILENT,
    renderMetrics: async () => ({ contentType: 'text/plain', text: '"metrics"' }),
    describeServer: () => DESCRIPTION,
  });
  return routes.find((route) => route.operation === operation) as HttpOperation;
}

test('the server is live as long as it answers', async () => {
  const answer = await serving(routeOf('server.live')).ask();
  expect([answer.status, answer.json]).toEqual([200, { status: 'live' }]);
});

test('the server says to everybody how people sign in and where devices connect', async () => {
  const answer = await serving(routeOf('server.describe')).ask();
  expect([answer.status, answer.json]).toEqual([200, DESCRIPTION]);
});

test('the server is ready when every check passes, and says which doesn’t', async () => {
  const fine = async () => undefined;
  const ready = await serving(routeOf('server.ready', { database: fine, broker: fine })).ask();
  expect([ready.status, ready.json]).toEqual([200, { status: 'ready', checks: ['database', 'broker'] }]);
  const failing = () => Promise.reject(new Error('password=secret'));
  const answer = await serving(routeOf('server.ready', { database: failing, broker: fine })).ask();
  expect(answer.status).toBe(503);
  expect(answer.json).toMatchObject({ error: { code: 'unavailable', details: { failed: ['database'] } } });
  expect(String(answer.body)).not.toContain('secret');
});

test('a check that doesn’t answer in time has failed', async () => {
  const impatient: Clock = {
    ...STILL_CLOCK,
    after: (_delayMs, work) => {
      queueMicrotask(work);
      return () => undefined;
    },
  };
  const answer = await serving(
    routeOf('server.ready', { database: () => new Promise(() => undefined) }, impatient),
  ).ask();
  expect(answer.status).toBe(503);
});

test('metrics are for administrators', async () => {
  const { ask } = serving(routeOf('server.metrics'));
  expect((await ask()).status).toBe(401);
  expect((await ask({ token: 'ygu_user' })).status).toBe(403);
  expect((await ask({ token: 'ygu_admin' })).json).toBe('metrics');
});

test('every kind of error has a status, a close code of its own, and a level', () => {
  const treatments = Object.values(errorTable);
  for (const { httpStatus, webSocketCloseCode } of treatments) {
    expect(httpStatus >= 400 && httpStatus < 600).toBe(true);
    expect(webSocketCloseCode === 1011 || webSocketCloseCode === 4000 + httpStatus).toBe(true);
  }
  expect(new Set(treatments.map((treatment) => treatment.httpStatus)).size).toBe(treatments.length);
});
