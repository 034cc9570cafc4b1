import { printDone } from '../node/print.ts';
import { restApi } from '../node/rest-api.ts';
import type { ServerOptions } from '../node/server-options.ts';

/** A rollout as REST shows it, as far as this program looks. */
interface ShownRollout {
  readonly id: string;
  readonly state: string;
  readonly endedAt: string | null;
  readonly counts: Readonly<Record<string, number>>;
}

/** What every command about rollouts takes. */
export interface RolloutOptions extends ServerOptions {
  readonly json?: boolean;
  readonly follow?: true;
}

/** The options of `rollout start`. */
export interface StartOptions extends RolloutOptions {
  readonly network?: string;
  readonly worldType?: string;
  readonly firmware?: string;
  readonly device?: readonly string[];
  readonly group?: string;
  readonly allowOlder?: true;
  readonly atOnce?: number;
  readonly perMinute?: number;
  readonly failedPercent?: number;
  readonly failedAfter?: number;
  readonly deviceTimeout?: number;
}

/** `rollout start`. Without a limit that is given, the server's apply. */
export async function startRollout(releaseId: string, options: StartOptions): Promise<void> {
  const api = restApi(options);
  const started = await api.ask<ShownRollout>('POST', '/api/v1/rollouts', {
    releaseId,
    filter: {
      networkId: options.network ?? null,
      worldType: options.worldType ?? null,
      firmware: options.firmware ?? null,
      deviceIds: options.device ?? null,
      groupId: options.group ?? null,
    },
    allowOlder: options.allowOlder ?? false,
    atOnceMax: options.atOnce,
    perMinuteMax: options.perMinute,
    failedPercentMax: options.failedPercent,
    failedAfter: options.failedAfter,
    deviceTimeoutSeconds: options.deviceTimeout,
  });
  if (options.follow === undefined) show(started, options);
  else await follow(started.id, options);
}

/** `rollout status`. */
export async function showRollout(rolloutId: string, options: RolloutOptions): Promise<void> {
  if (options.follow !== undefined) return follow(rolloutId, options);
  show(await restApi(options).ask('GET', `/api/v1/rollouts/${rolloutId}`), options);
}

/** `rollout pause`, `rollout resume` and `rollout cancel`. */
export async function changeRollout(
  verb: 'pause' | 'resume' | 'cancel',
  rolloutId: string,
  options: RolloutOptions,
): Promise<void> {
  show(await restApi(options).ask('POST', `/api/v1/rollouts/${rolloutId}/${verb}`), options);
}

/** Shows every step until the rollout is over. Throws an Error where it didn't bring the release to all devices. */
async function follow(rolloutId: string, options: RolloutOptions): Promise<void> {
  let last: ShownRollout | null = null;
  for await (const { data: progress } of restApi(options).events<ShownRollout>(
    `/api/v1/rollouts/${rolloutId}/live`,
    { lastId: 0 },
  )) {
    last = progress;
    show(progress, options);
    if (progress.endedAt !== null) break;
  }
  if (last?.state !== 'completed') throw new Error(`the rollout is ${last?.state ?? 'not known'}`);
}

function show(rollout: ShownRollout, { json }: RolloutOptions): void {
  const counts = Object.entries(rollout.counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  printDone({ json: json === true }, rollout, `${rollout.id} ${rollout.state}: ${counts.join(', ')}`);
}
