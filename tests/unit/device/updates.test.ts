import { describe, expect, it } from 'vitest';
import { SECTOR_BYTES } from '../../../device/virtual/updates/flash.ts';
import { TRIES_MAX } from '../../../device/virtual/updates/slots.ts';
import { UpdateState } from '../../../proto/index.ts';
import { forger, makeRelease } from '../../support/releases.ts';
import { CUT_KINDS, known, MemoryFlash, outcomes, PowerLoss, UpdateRig } from '../../support/update-rig.ts';

const SLOT_BYTES = 3 * SECTOR_BYTES;
const content = (seed: number, bytes = 9_000) =>
  Uint8Array.from({ length: bytes }, (_, i) => (i * seed) & 0xff);
const release = (version: number, settings: Parameters<typeof makeRelease>[1] = {}) =>
  known(makeRelease(content(version * 7 + 1), { version, ...settings }));
const [one, two] = [release(1), release(2)];

/** A device that runs version 1. */
function deviceWithOne(): UpdateRig {
  const rig = new UpdateRig(new MemoryFlash(SLOT_BYTES));
  rig.start();
  rig.offer(one);
  rig.reports.length = 0;
  rig.asked.length = 0;
  return rig;
}

describe('an update', () => {
  it('is downloaded, verified, started, confirmed and reported', () => {
    const rig = deviceWithOne();
    rig.offer(two);
    expect(rig.asked).toEqual([0, 4096, 8192]);
    expect([rig.version, rig.confirmedVersion, rig.isIntact]).toEqual([2, 2, true]);
    expect(outcomes(rig)).toEqual([UpdateState.UPDATE_UPDATED]);
    rig.start();
    expect([rig.version, outcomes(rig).length]).toEqual([2, 1]);
  });

  it('goes on behind the last whole sector after a loss of power', () => {
    const rig = deviceWithOne();
    // The marks, the table, the first sector with its mark: then in the second sector.
    rig.flash.cut = { at: rig.flash.changes + 1 + 2 + 3 + 2, kind: 'half' };
    expect(() => rig.offer(two)).toThrow(PowerLoss);
    rig.flash.cut = null;
    rig.asked.length = 0;
    rig.start();
    expect([rig.asked, rig.version]).toEqual([[4096, 8192], 2]);
  });

  it('asks again when an answer is lost', () => {
    const rig = deviceWithOne();
    rig.updates.offered({ rolloutId: new Uint8Array(16).fill(9), ...two, allowOlder: false });
    rig.clock.advance(5_000);
    rig.pump();
    expect(rig.asked).toEqual([0, 0]);
  });

  it('that never reaches the server is tried three times, and the one before comes back by itself', () => {
    const rig = deviceWithOne();
    let starts = 0;
    rig.starts = () => {
      starts++;
      return false;
    };
    rig.offer(two);
    expect([starts, rig.version, outcomes(rig)]).toEqual([TRIES_MAX, 1, [UpdateState.UPDATE_ROLLED_BACK]]);
    const silent = deviceWithOne();
    silent.isConnected = false;
    silent.updates.connected();
    silent.offer(two);
    expect([silent.version, silent.started.isTrial]).toEqual([2, true]);
    silent.clock.advance(300_000);
    silent.isConnected = true;
    silent.pump();
    expect([silent.version, outcomes(silent)]).toEqual([1, [UpdateState.UPDATE_ROLLED_BACK]]);
  });

  it('that is older is taken with the flag alone, and never below what the owner ruled out', () => {
    const rig = deviceWithOne();
    rig.offer(release(3));
    rig.offer(two);
    expect([rig.version, rig.reports.at(-1)?.error]).toEqual([3, 'update_version_old']);
    rig.offer(two, true);
    expect(rig.version).toBe(2);
    rig.offer(release(4, { oldestVersion: 3 }));
    rig.offer(two, true);
    expect([rig.version, rig.reports.at(-1)?.error]).toEqual([4, 'update_version_old']);
  });

  it('that runs already is answered as done, without a download', () => {
    const rig = deviceWithOne();
    rig.offer(one);
    expect([rig.asked, outcomes(rig)]).toEqual([[], [UpdateState.UPDATE_UPDATED]]);
  });

  it.each([
    ['release_signature_wrong', makeRelease(content(5), { version: 2 }, forger)],
    ['release_signature_wrong', { ...two, manifest: two.manifest.with(12, 9) }],
    ['release_manifest_malformed', { ...two, manifest: two.manifest.slice(1) }],
    ['update_target_wrong', makeRelease(content(5), { version: 2, target: 'esp32c3' })],
    ['update_no_room', makeRelease(content(5, SLOT_BYTES + 1), { version: 2 })],
  ] as const)('is refused with %s, and nothing changes', (code, wrong) => {
    const rig = deviceWithOne();
    const { changes } = rig.flash;
    rig.offer(wrong);
    expect(rig.reports).toEqual([{ state: UpdateState.UPDATE_REFUSED, error: code }]);
    expect([rig.flash.changes, rig.version]).toEqual([changes, 1]);
  });

  it('of other bytes than were signed is dropped, and the device goes on', () => {
    const rig = deviceWithOne();
    rig.offer({ ...two, content: two.content.with(5_000, 1) });
    expect(rig.reports.at(-1)).toEqual({ state: UpdateState.UPDATE_FAILED, error: 'release_hash_wrong' });
    rig.start();
    expect(rig.version).toBe(1);
    rig.offer(two);
    expect(rig.version).toBe(2);
  });

  it('whose pieces come in another order, or from another rollout, takes none of them', () => {
    const rig = deviceWithOne();
    const rolloutId = new Uint8Array(16).fill(9);
    rig.updates.offered({ rolloutId, ...two, allowOlder: false });
    const { changes } = rig.flash;
    for (const [id, offset, bytes] of [
      [rolloutId, 4096, 4096],
      [rolloutId, 0, 4097],
      [rolloutId, 0, 0],
      [new Uint8Array(16), 0, 4096],
    ] as const) {
      rig.updates.received({ rolloutId: id, offset, data: two.content.slice(offset, offset + bytes) });
    }
    expect(rig.flash.changes).toBe(changes);
  });

  it('is reported as failed where the flash refuses, and the device runs on', () => {
    const rig = deviceWithOne();
    rig.flash.isRefusing = true;
    rig.offer(two);
    expect(rig.reports).toEqual([{ state: UpdateState.UPDATE_FAILED, error: 'script_not_stored' }]);
    rig.flash.isRefusing = false;
    rig.start();
    expect(rig.version).toBe(1);
  });

  it('of a script is handed to the scripts, whose refusal is reported', () => {
    const rig = deviceWithOne();
    const script = makeRelease('a package', { kind: 'script', target: 'wasm32', name: 'blink' });
    rig.offer(script, true);
    expect(rig.installed).toEqual([{ bytes: script.content, allowOlder: true }]);
    expect([rig.version, outcomes(rig)]).toEqual([1, [UpdateState.UPDATE_UPDATED]]);
    rig.scriptRefusal = 'script_no_room';
    rig.offer(makeRelease('another', { kind: 'script', target: 'wasm32', name: 'blink', version: 2 }));
    expect(rig.reports.at(-1)).toEqual({ state: UpdateState.UPDATE_FAILED, error: 'script_no_room' });
  });
});

/** As `expect`, which is slow for thousands of them. */
function require(isTrue: boolean, otherwise: string): void {
  if (!isTrue) expect.fail(otherwise);
}

/** What a loss of power left. `isBegun`: the server was told of a download, and offers it no more. */
interface Remains {
  readonly flash: MemoryFlash;
  readonly isBegun: boolean;
}

interface Offered {
  readonly release: typeof two;
  readonly allowOlder: boolean;
  readonly isBroken: boolean;
}

/** A device that goes on from there. */
function deviceOf({ flash }: Remains, { isBroken, ...offered }: Offered): UpdateRig {
  const rig = new UpdateRig(flash);
  rig.starts = () => !isBroken;
  rig.takeOver(offered);
  return rig;
}

/** Lets it run until the update is over. */
function run(rig: UpdateRig, isBegun: boolean, { release: offered, allowOlder }: Offered): UpdateRig {
  rig.start();
  if (!isBegun) rig.offer(offered, allowOlder);
  return rig;
}

/** Goes on on a copy. */
function recover({ flash, isBegun }: Remains, offered: Offered): UpdateRig {
  return run(deviceOf({ flash: flash.copy(), isBegun }, offered), isBegun, offered);
}

/** Loses power in a change. Null: it never came to that change. */
function lose(from: Remains, offered: Offered, at: number, kind: (typeof CUT_KINDS)[number]): Remains | null {
  const flash = from.flash.copy();
  flash.cut = { at, kind };
  const rig = deviceOf({ flash, isBegun: from.isBegun }, offered);
  try {
    run(rig, from.isBegun, offered);
    return null;
  } catch (error) {
    if (!(error instanceof PowerLoss)) throw error;
  }
  flash.cut = null;
  return { flash, isBegun: from.isBegun || rig.reports.length > 0 };
}

describe('a loss of power in any change of flash, and a second one in what follows', () => {
  it.each([
    ['an update with its confirmation', one, two, false, false],
    ['an update that rolls itself back', one, two, false, true],
    ['a rollback by hand', two, one, true, false],
  ] as const)(
    'leaves a whole image, no old one, and an outcome: %s',
    (name, before, after, allowOlder, isBroken) => {
      const prepared = new UpdateRig(new MemoryFlash(SLOT_BYTES));
      prepared.start();
      prepared.offer(before);
      const offered = { release: after, allowOlder, isBroken };
      const [versionBefore, versionAfter] = [
        prepared.version,
        isBroken ? prepared.version : 3 - prepared.version,
      ];
      const beginning: Remains = { flash: prepared.flash, isBegun: false };
      const operations = recover(beginning, offered).flash.changes;
      let [losses, secondLosses] = [0, 0];

      /** Looks at what starts, and at how it ends. True: the new one was confirmed. */
      const check = (remains: Remains, wasConfirmed: boolean, where: string) => {
        const seen = deviceOf({ ...remains, flash: remains.flash.copy() }, offered);
        seen.isConnected = false;
        seen.start();
        const isKnown = seen.version === versionBefore || seen.version === versionAfter;
        require(seen.isIntact && isKnown, `what starts is no whole image: ${where}`);
        require(!wasConfirmed || seen.version === versionAfter, `the old one came back: ${where}`);
        const done = recover(remains, offered);
        require(done.isIntact && done.version === versionAfter, `ends with ${done.version}: ${where}`);
        require(done.confirmedVersion === versionAfter, `isn't confirmed: ${where}`);
        require(outcomes(done).length > 0, `forgotten: ${where}`);
        return seen.confirmedVersion === versionAfter && versionAfter !== versionBefore;
      };

      for (const kind of CUT_KINDS) {
        for (let at = 1; at <= operations; at++) {
          const first = lose(beginning, offered, at, kind);
          if (first === null) throw new Error(`change ${at} never came`);
          losses++;
          const isConfirmed = check(first, false, `${kind} ${at}`);
          for (const secondKind of ['before', 'garbage'] as const) {
            for (let again = 1; ; again++) {
              const second = lose(first, offered, again, secondKind);
              if (second === null) break;
              secondLosses++;
              check(second, isConfirmed, `${kind} ${at}, then ${secondKind} ${again}`);
            }
          }
        }
      }
      console.log(`${name}: ${operations} changes of flash, ${losses} losses, ${secondLosses} second losses`);
      expect([losses, secondLosses > losses, operations > 15]).toEqual([
        operations * CUT_KINDS.length,
        true,
        true,
      ]);
    },
  );
});
