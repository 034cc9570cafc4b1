import { spawn } from 'node:child_process';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { requireDebianPackage } from '../../support/apt.ts';
import { eventually } from '../http/server-under-test.ts';
import { startBroker } from './server-under-test.ts';

beforeAll(() => requireDebianPackage('mosquitto_pub', 'mosquitto-clients'));

/** Runs a Mosquitto client; resolves when it ends. */
function run(command: string, port: number, args: readonly string[]) {
  const child = spawn(command, ['-h', '127.0.0.1', '-p', `${port}`, '-V', 'mqttv311', ...args]);
  onTestFinished(() => void child.kill());
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { output: () => output, ended };
}

const ANN = ['-u', 'ann', '-P', 'secret', '-i', 'ann'];

test.each(['0', '1', '2'])('mosquitto_pub with QoS %s is heard', async (qos) => {
  const { port, seen } = await startBroker();
  const publisher = run('mosquitto_pub', port, [...ANN, '-t', 'ann/up', '-m', 'hello', '-q', qos]);
  expect(await publisher.ended).toBe(0);
  await eventually('the publication', () => seen.published.length === 1);
  expect(seen.published[0]).toEqual({ client: 'ann', topic: 'ann/up', payload: 'hello' });
});

test.each(['0', '1', '2'])(
  'mosquitto_sub with QoS %s gets what is delivered, and acknowledges',
  async (qos) => {
    const { port, seen } = await startBroker();
    const subscriber = run('mosquitto_sub', port, [...ANN, '-t', 'ann/down', '-q', qos, '-C', '2', '-v']);
    const connection = await eventually('the subscription', () =>
      seen.events.includes('subscribed ann ann/down') ? seen.connections.get('ann') : null,
    );
    connection.deliver('ann/down', Buffer.from('one'), 1);
    connection.deliver('ann/down', Buffer.from('two'), 2);
    expect(await subscriber.ended).toBe(0);
    expect(subscriber.output()).toBe('ann/down one\nann/down two\n');
    await eventually('the acknowledgements', () => seen.acknowledged.length === 2);
  },
);

test('mosquitto_sub is told when its filter is refused, and mosquitto_pub when its password is wrong', async () => {
  const { port } = await startBroker();
  const subscriber = run('mosquitto_sub', port, [...ANN, '-t', '#']);
  await subscriber.ended;
  expect(subscriber.output()).toContain('All subscription requests were denied');
  const publisher = run('mosquitto_pub', port, ['-u', 'ann', '-P', 'wrong', '-t', 'ann/up', '-m', 'x']);
  expect(await publisher.ended).not.toBe(0);
  expect(publisher.output()).toMatch(/bad user ?name or password/i);
});
