import type { Config } from '../config/index.ts';
import { type AbuseMeasure, createMeasureStore } from '../domains/abuse/index.ts';
import { createAuditRecorder, createAuditStore, PLATFORM } from '../domains/audit/index.ts';
import { notFound } from '../kernel/errors.ts';
import type { AppDependencies } from './platform.ts';
import { workBesideServer } from './secrets.ts';

type Dependencies = Pick<AppDependencies, 'clock' | 'random' | 'logger'>;

/** Measures that a command lists at most. */
const LISTED_BESIDE_MAX = 10_000;

/** The measures that hold, read beside a running server or without one. Refuses as `workBesideServer`. */
export function listAbuse(config: Config, dependencies: Dependencies): Promise<readonly AbuseMeasure[]> {
  return workBesideServer(config, dependencies, ({ opened: { database } }) =>
    createMeasureStore(database).list(dependencies.clock.nowMs(), LISTED_BESIDE_MAX),
  );
}

/** Undoes a measure; a server that runs follows within half a minute. Refuses one that isn't there with `abuse_measure_not_found`. */
export function liftAbuse(config: Config, dependencies: Dependencies, id: string): Promise<void> {
  return workBesideServer(config, dependencies, async ({ opened: { database } }) => {
    const store = createMeasureStore(database);
    const found = await store.list(dependencies.clock.nowMs(), LISTED_BESIDE_MAX);
    if (!found.some((measure) => measure.id === id)) throw notFound('abuse_measure');
    const recorder = createAuditRecorder({
      ...dependencies,
      store: createAuditStore(database),
      noted: () => {},
    });
    const actor = { kind: 'service', tenantId: PLATFORM, service: 'command-line' } as const;
    const operation = 'commandLine.abuse.lift';
    const entry = recorder.begin({ operation, audit: 'change', actor, requestId: operation, objects: [id] });
    await store.remove(id);
    await entry.end(null);
  });
}
