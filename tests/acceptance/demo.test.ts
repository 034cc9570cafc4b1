import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/server-process.ts';

/** The story's commands that run in this checkout now: command lines with their process ids. */
function programs(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (readlinkSync(`/proc/${pid}/cwd`) !== process.cwd()) return [];
        return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`];
      } catch {
        return [];
      }
    })
    .filter((line) => /build\/yggdrasil\.js (virtual-device|provider|rule-endpoint|demo)/.test(line));
}

describe('npm run demo -- --once', () => {
  it('shows both journeys, ends with one line of JSON and exit code 0, and leaves no process behind', async () => {
    const before = programs();
    const { code, stdout, stderr } = await runCommand('demo', { arguments: ['--once'], timeoutMs: 90_000 });
    expect(code, stdout + stderr).toBe(0);
    const lines = stdout.trim().split('\n');
    const result = JSON.parse(lines.at(-1) ?? '') as {
      relay: { deviceMessages: number; commandRoundTripMs: number };
      compute: Record<
        'requests' | 'tokens' | 'costMicrocents' | 'feeMicrocents' | 'earningsMicrocents',
        number
      >;
      ledgerSumMicrocents: number;
    };
    expect(result.relay.deviceMessages).toBeGreaterThanOrEqual(5);
    expect(result.relay.commandRoundTripMs).toBeGreaterThan(0);
    const { requests, tokens, costMicrocents, feeMicrocents, earningsMicrocents } = result.compute;
    expect(requests).toBe(2);
    expect(tokens).toBeGreaterThan(0);
    expect(costMicrocents).toBeGreaterThan(0);
    expect(feeMicrocents + earningsMicrocents).toBe(costMicrocents);
    expect(result.ledgerSumMicrocents).toBe(0);
    expect(lines.length).toBeGreaterThan(20);
    await expect.poll(() => programs().filter((line) => !before.includes(line))).toEqual([]);
  });
});
