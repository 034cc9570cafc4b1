import { describe, expect, it } from 'vitest';
import { runnerCommand } from '../../../device/native/layout.ts';
import * as requests from '../../../device/native/requests.ts';
import { DeviceStatus, requireAnswers, runRequests } from '../../../device/native/runner.ts';
import { openDevice } from './expectations.ts';

const TASKS = 3;
const MESSAGES = 300;

describe.each(['host', 'sanitized'] as const)('with several tasks on %s', (variant) => {
  it('each message reaches the one that owns the runtime, in order, and each task knows its own stack', () => {
    const [, sent, price] = requireAnswers(runnerCommand(variant), [
      openDevice(),
      requests.sendFromTasks(TASKS, MESSAGES),
      requests.price(requests.PRICED),
    ]);
    expect(sent?.status).toBe(DeviceStatus.OK);
    expect([...new Uint32Array(new Uint8Array(sent?.result ?? []).buffer)]).toEqual([TASKS * MESSAGES, 0, 0]);
    expect(price?.status).toBe(DeviceStatus.OK);
  });

  it('one that uses the core without owning the runtime ends the program', () => {
    const { answers, exitCode, stderr } = runRequests(runnerCommand(variant), [
      openDevice(),
      requests.useInForeignTask(),
    ]);
    expect(answers).toHaveLength(1);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("the runtime was used by a task that doesn't own it");
  });
});
