import { spawnSync } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { layout } from '../../../device/native/layout.ts';
import { describeDevice } from '../../support/device-acts.ts';
import { NativeHost } from '../../support/native-host-device.ts';
import { describeRollouts } from '../../support/rollout-acts.ts';

/** `CONNECTION_FAULTS=1000` makes it as many as one likes. */
const FAULTS = Number(process.env.CONNECTION_FAULTS ?? 50);

let host: NativeHost;

const scene = describeDevice('the device in C on Linux, under sanitizers', async (server, credentials) => {
  host = new NativeHost(server.mqttUrl, credentials, 'sanitized');
  return host.connected();
});

describeRollouts('the whole device in C', (server, credentials) =>
  new NativeHost(server.mqttUrl, credentials, 'sanitized').connected(),
);

describe('the device in C', () => {
  it('takes settings as a whole or not at all, and keeps them over a loss of power', async () => {
    const { ask } = scene();
    const interval = 'capability_configuration.reading_interval_ms';
    const { values } = await ask('settings.get');
    expect(values).toMatchObject({
      'network_resilience_settings.retry_ms_max': 30_000,
      'ota_update_settings.enabled': 1,
    });
    const change = { [interval]: 60_000, 'resource_limits.bytes_per_minute': 100_000 };
    expect(await ask('settings.set', change)).toMatchObject({ error: null, values: change });
    const wrong: [string, Record<string, number>][] = [
      ['setting_unknown', { [interval]: 5_000, 'resource_limits.colour': 1 }],
      ['setting_wrong', { [interval]: 5_000, 'resource_limits.pool_warning_percent': 101 }],
      ['setting_wrong', { [interval]: 5_000.5 }],
      ['setting_wrong', { 'network_resilience_settings.retry_ms_min': 50_000 }],
    ];
    for (const [code, args] of wrong) expect((await ask('settings.set', args)).error?.code).toBe(code);
    host.device.give('power off');
    await host.again();
    expect((await ask('settings.get')).values).toEqual({ ...values, ...change });
  });

  it('says what it uses, and which devices are behind it', async () => {
    const { ask } = scene();
    const { values } = await ask('monitor.get');
    expect(values.bytes_sent).toBeGreaterThan(0);
    expect(values.pool_used_most).toBeGreaterThan(0);
    host.device.give('child cellar online');
    expect((await ask('GetChildrenStatus')).values).toMatchObject({ count: 1, 'cellar.state': 'online' });
    host.device.give('child-gone cellar');
    expect((await ask('GetChildrenStatus')).values).toEqual({ count: 0 });
  });

  it('comes back after a fault of the network, with what it could not send', async () => {
    const { ask, event } = scene();
    const said = host.device.lines.length;
    host.device.give('network off');
    await host.device.says(/^not connected/, said);
    host.device.give('celsius 17.25');
    const answer = ask('sensor.read');
    host.device.give('network on');
    await host.device.says(/^connected$/, said);
    expect((await answer).values).toMatchObject({ temperature: 17.25 });
    await ask('settings.set', { 'capability_configuration.reading_interval_ms': 1_000 });
    await event(({ name, value }) => name === 'sensor.temperature' && value === 17.25);
  });

  it('comes back after every one of many faults of the network', async () => {
    const { ask } = scene();
    await ask('settings.set', { 'network_resilience_settings.stable_ms': 0 });
    for (let fault = 0; fault < FAULTS; fault++) {
      const said = host.device.lines.length;
      host.device.give('network off');
      host.device.give('network on');
      await host.device.says(/^connected$/, said);
    }
    console.log(`${FAULTS} faults of the network, each time it came back`);
    expect((await ask('led.get')).error).toBeNull();
  });

  it('carries no command out twice and forgets none, wherever power is lost', () => {
    const { status, stdout } = spawnSync(`${layout.build('host')}/journal-cuts`, { encoding: 'utf8' });
    console.log(stdout);
    expect(stdout).toMatch(/ [1-9]\d* losses, [1-9]\d* second losses, 0 failures/);
    expect(status).toBe(0);
  });

  it('ends when the broker does not accept its credentials', async () => {
    const { server, credentials } = scene();
    const stranger = new NativeHost(server.mqttUrl, { ...credentials, token: 'wrong' }, 'sanitized');
    onTestFinished(() => stranger.stop());
    expect(await stranger.device.ended).toBe(1);
    expect(stranger.device.lines.join('\n')).toContain('the broker refuses these credentials');
  });
});
