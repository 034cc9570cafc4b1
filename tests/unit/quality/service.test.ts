import { describe, expect, it } from 'vitest';
import {
  createQualityService,
  HALF_LIFE_MS,
  KNOWN_PROVIDERS_MAX,
  type ProviderQuality,
} from '../../../server/domains/quality/index.ts';
import { latencyShare } from '../../../server/domains/quality/rules.ts';
import { asId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { createServerCore } from '../../support/core.ts';
import { silentLogger } from '../../support/logger.ts';

const tenantId = asId<TenantId>('t');
const completed = { kind: 'completed', firstTokenMs: 100, tokenMs: 5 } as const;

function create() {
  const clock = new FakeClock();
  const rows = new Map<string, ProviderQuality>();
  const state = { down: false, saves: 0 };
  const store = {
    find: async (id: string) => rows.get(id) ?? null,
    save: async (assessed: readonly { providerId: string; quality: ProviderQuality }[]) => {
      if (state.down) throw new Error('down');
      state.saves++;
      for (const { providerId, quality } of assessed) rows.set(providerId, quality);
    },
  };
  const service = createQualityService({ core: createServerCore(), store, clock, logger: silentLogger });
  return { clock, rows, state, service };
}

describe('quality', () => {
  it('begins neutral, rises with good requests and falls with bad ones', async () => {
    const { service } = create();
    await service.load('p', tenantId);
    expect(service.assessmentOf('p')).toMatchObject({ quality: 0.8, latency: 0.8, availability: 0.8 });
    service.record('p', tenantId, completed);
    const good = service.assessmentOf('p');
    expect(good.quality).toBeCloseTo((0.8 * 5 + 1) / 6, 5);
    service.record('p', tenantId, { kind: 'unavailable' });
    const bad = service.assessmentOf('p');
    expect(bad.availability).toBeLessThan(good.availability);
    expect(bad.quality).toBeCloseTo(good.quality, 5);
    service.record('p', tenantId, { kind: 'malformed' });
    expect(service.assessmentOf('p').quality).toBeLessThan(bad.quality);
  });

  it('keeps a bounded number in memory: what was used last, and what is not written yet', async () => {
    const { service, rows } = create();
    service.record('unwritten', tenantId, completed);
    await service.load('long ago', tenantId);
    const unwritten = service.assessmentOf('unwritten');
    rows.set('long ago', { ...unwritten, quality: 0.1 });
    for (let count = 0; count < KNOWN_PROVIDERS_MAX; count++) await service.load(`p${count}`, tenantId);
    expect(service.assessmentOf('unwritten')).toEqual(unwritten);
    await service.load('long ago', tenantId);
    expect(service.assessmentOf('long ago').quality).toBe(0.1);
  });

  it('lets newer requests weigh more', () => {
    const { service, clock } = create();
    service.record('p', tenantId, { kind: 'unavailable' });
    clock.advance(HALF_LIFE_MS * 10);
    service.record('p', tenantId, completed);
    expect(service.assessmentOf('p').availability).toBeGreaterThan(0.98);
  });

  it('writes a failure at once and the rest with the next flush, and keeps what could not be written', async () => {
    const { service, state, rows } = create();
    service.record('p', tenantId, completed);
    await turn();
    expect(state.saves).toBe(0);
    service.record('p', tenantId, { kind: 'unavailable' });
    await turn();
    expect(state.saves).toBe(1);
    state.down = true;
    service.record('p', tenantId, completed);
    await service.flush();
    state.down = false;
    await service.flush();
    expect(rows.get('p')).toEqual(service.assessmentOf('p'));
  });

  it('gives a half at the reference times', () => {
    expect(latencyShare(0, 0)).toBe(1);
    expect(latencyShare(1_000, 50)).toBe(0.5);
  });
});
