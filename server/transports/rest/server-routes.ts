import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { COSTS } from '../../kernel/operation.ts';
import type { HttpOperation } from '../pipeline/http-operation.ts';
import { defineRawRoute, defineRoute } from './define-route.ts';

/** How long a readiness check may take, in milliseconds: what answers later is not ready. */
const CHECK_TIMEOUT_MS = 2_000;

export interface ServerRoutesDependencies {
  /** What must work for requests to succeed, by name: `database`, `broker`. A check rejects when it doesn't. */
  readonly checks: Readonly<Record<string, () => Promise<unknown>>>;
  readonly renderMetrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly describeServer: () => ServerDescription;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What people and devices must know of the server before they are anybody to it. */
export interface ServerDescription {
  /** Whether people make their accounts themselves. */
  readonly signUp: 'open' | 'closed';
  /** People may sign in with a password. */
  readonly passwords: 'on' | 'off';
  /** Codes for signing in can be sent. */
  readonly sendsMail: boolean;
  readonly mqtt: {
    readonly port: number;
    readonly tls: boolean;
    /** Other machines reach it. */
    readonly reachable: boolean;
  };
  /** Where sessions of Ratatoskr are opened, the versions that are spoken there, and the server's X25519 keys, base64url, the one in use first. */
  readonly ratatoskr: {
    readonly path: string;
    /** The port where it is alone; null: the one of this answer. */
    readonly port: number | null;
    readonly versions: number[];
    readonly publicKeys: string[];
  } | null;
}

/** For whoever runs the server: is it alive, is it ready, what does it count; and for who comes to it: how to get in. */
export function createServerRoutes(dependencies: ServerRoutesDependencies): HttpOperation[] {
  const { checks, renderMetrics } = dependencies;
  const healthy = defineRoute({
    operation: 'server.live',
    method: 'GET',
    path: '/healthz',
    access: 'public',
    cost: COSTS.read,
    audit: 'none',
    summary: 'The process lives and answers.',
    response: z.object({ status: z.literal('live') }),
    status: 200,
    errors: [],
    quiet: true,
    handle: async () => ({ status: 'live' as const }),
  });
  const ready = defineRoute({
    operation: 'server.ready',
    method: 'GET',
    path: '/readyz',
    access: 'public',
    cost: COSTS.read,
    audit: 'none',
    summary: 'What the server needs works: 200. Something does not: 503, with the names of what.',
    response: z.object({ status: z.literal('ready'), checks: z.array(z.string()) }),
    status: 200,
    errors: [],
    quiet: true,
    handle: async () => {
      const names = Object.keys(checks);
      const outcomes = await Promise.all(names.map((name) => passes(name, dependencies)));
      const failed = names.filter((_, index) => !outcomes[index]);
      if (failed.length > 0)
        throw new AppError('unavailable', 'unavailable', 'Not ready.', { details: { failed } });
      return { status: 'ready' as const, checks: names };
    },
  });
  const metrics = defineRawRoute({
    operation: 'server.metrics',
    method: 'GET',
    path: '/metrics',
    access: 'platform.operate',
    cost: COSTS.read,
    audit: 'none',
    summary: 'What the server counts about itself, for Prometheus.',
    response: 'text/plain',
    status: 200,
    errors: [],
    quiet: true,
    handle: async () => {
      const { contentType, text } = await renderMetrics();
      return { status: 200, headers: { 'content-type': contentType }, body: text };
    },
  });
  return [healthy, ready, descriptionRoute(dependencies), metrics];
}

/** For who comes to the server: how to get in. */
const descriptionRoute = ({ describeServer }: Pick<ServerRoutesDependencies, 'describeServer'>) =>
  defineRoute({
    operation: 'server.describe',
    method: 'GET',
    path: '/api/v1/server',
    access: 'public',
    cost: COSTS.read,
    audit: 'none',
    summary: 'How people sign in here, and where devices connect.',
    response: z.object({
      signUp: z.enum(['open', 'closed']).describe('Whether people make their accounts themselves.'),
      passwords: z.enum(['on', 'off']).describe('Whether people may sign in with a password.'),
      sendsMail: z.boolean().describe('Codes for signing in can be sent.'),
      mqtt: z.object({
        port: z.int(),
        tls: z.boolean().describe('`mqtts://` in place of `mqtt://`.'),
        reachable: z.boolean().describe('False: only programs on the machine of the server reach it.'),
      }),
      ratatoskr: z
        .object({
          path: z.string(),
          port: z.int().nullable().describe('The port where it is alone; null: the one of HTTP.'),
          versions: z.array(z.int()),
          publicKeys: z.array(z.string()),
        })
        .nullable()
        .describe('Where sessions of Ratatoskr are opened, and the keys of the server (base64url).'),
    }),
    status: 200,
    errors: [],
    handle: async () => describeServer(),
  });

async function passes(name: string, { checks, clock, logger }: ServerRoutesDependencies): Promise<boolean> {
  let stopTimer: (() => void) | undefined;
  try {
    const late = new Promise((_, reject) => {
      stopTimer = clock.after(CHECK_TIMEOUT_MS, () =>
        reject(new Error(`no answer in ${CHECK_TIMEOUT_MS} ms`)),
      );
    });
    await Promise.race([checks[name]?.(), late]);
    return true;
  } catch (error) {
    logger.warn({ operation: 'server.ready', check: name, error }, 'not ready');
    return false;
  } finally {
    stopTimer?.();
  }
}
