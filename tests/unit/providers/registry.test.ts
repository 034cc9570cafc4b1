import { describe, expect, it } from 'vitest';
import { PLAIN_CHAT } from '../../../server/domains/providers/features.ts';
import { ENDED_REQUESTS_REMEMBERED } from '../../../server/domains/providers/limits.ts';
import { ProviderRegistry } from '../../../server/domains/providers/registry.ts';
import type { ProviderLink } from '../../../server/domains/providers/types.ts';
import {
  type AccountId,
  asId,
  type DeviceId,
  type TenantId,
  type TransactionId,
} from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';

const silentLink = (): ProviderLink => ({
  request: () => true,
  grant: () => true,
  cancel: () => true,
});
const prices = { prompt: 1n, cachedPrompt: 1n, completion: 1n };

function connected(registry: ProviderRegistry, name: string) {
  const deviceId = asId<DeviceId>(name);
  const link = silentLink();
  const offer = { slots: 1, models: [{ name, prices, contextTokens: 100, continuesAnswers: false }] };
  registry.list(`provider ${name}`, { deviceId, tenantId: asId<TenantId>(name) }, link, offer);
  return {
    deviceId,
    link,
    /** Takes a slot for a request, which fails. */
    failOne(requestId: string) {
      const [chosen] = registry.offersOf(name);
      if (chosen === undefined) throw new Error('not listed');
      const order = {
        requestId: asId<TransactionId>(requestId),
        accountId: asId<AccountId>('a'),
        tenantId: asId<TenantId>('t'),
        memberId: 'a',
        model: name,
        body: new Uint8Array(),
        isContinuation: false,
        task: PLAIN_CHAT,
        promptTokens: 1,
        completionTokensMax: 1,
        firstTokenTimeoutMs: 1_000,
        stallTimeoutMs: 1_000,
        creditBytes: 1,
        deadlineMs: 1_000_000,
      };
      registry.takeSlot(chosen, order, false).fail('provider_stalled');
    },
  };
}

describe('requests that ended a moment ago', () => {
  it('are remembered of each provider, however many another one has', () => {
    const registry = new ProviderRegistry(new FakeClock());
    const quiet = connected(registry, 'quiet');
    const busy = connected(registry, 'busy');
    quiet.failOne('first');
    for (let index = 0; index <= ENDED_REQUESTS_REMEMBERED; index++) busy.failOne(`request ${index}`);
    expect(registry.attemptOf(quiet.deviceId, 'first')).toBeNull();
    expect(registry.attemptOf(busy.deviceId, 'request 1')).toBeNull();
    expect(() => registry.attemptOf(busy.deviceId, 'request 0')).toThrow('not');
    expect(() => registry.attemptOf(busy.deviceId, 'first')).toThrow('not');
  });

  it('are forgotten when their provider leaves', () => {
    const registry = new ProviderRegistry(new FakeClock());
    const provider = connected(registry, 'one');
    provider.failOne('first');
    registry.disconnect(provider.deviceId, provider.link);
    expect(() => registry.attemptOf(provider.deviceId, 'first')).toThrow('not');
  });
});
