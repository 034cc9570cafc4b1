import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { layout } from '../../../device/native/layout.ts';
import { connectNativeDevice } from '../../support/native-update-device.ts';
import { makeRelease, publisherKey } from '../../support/releases.ts';
import { describeRollouts, image } from '../../support/rollout-acts.ts';

describeRollouts('the C runtime, under sanitizers', (server, credentials) =>
  connectNativeDevice(server.mqttUrl, credentials, 'sanitized'),
);

it('a loss of power in any change of flash, and a second one in what follows, leaves a whole image, no old one, and an outcome', () => {
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-cuts-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = (name: string, bytes: Uint8Array) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const releases = [1, 2, 2].map((version, index) => {
    const { manifest, signature, content } = makeRelease(image(7 + 4 * index, 9_000), { version });
    return file(`${index}.ygr`, Buffer.concat([manifest, signature, content]));
  });
  const program = `${layout.build('host')}/update-cuts`;
  const { status, stdout } = spawnSync(program, [file('key', publisherKey), ...releases], {
    encoding: 'utf8',
  });
  console.log(stdout);
  const counted = [
    ...stdout.matchAll(/(\d+) changes of flash, (\d+) losses, (\d+) second losses, 0 failures/g),
  ];
  const isAll = counted.map(([, changes, losses, second]) => [
    Number(losses) === 3 * Number(changes),
    Number(second) > Number(losses),
  ]);
  expect([status, isAll]).toEqual([0, Array(3).fill([true, true])]);
});
