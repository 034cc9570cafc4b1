import { expect, it } from 'vitest';
import { readService } from '../../../device/node/find-servers.ts';

const heard = { name: 'Yggdrasil on box', port: 8443, addresses: ['fd00::2', '172.17.0.1', '192.0.2.2'] };

it.each([
  ['the address that it spoke from', { referer: { address: '192.0.2.2' } }, 'http://192.0.2.2:8443'],
  ['an address of IPv4 first', {}, 'http://172.17.0.1:8443'],
  ['an address of IPv6 in brackets', { addresses: ['fe80::1', 'fd00::2'] }, 'http://[fd00::2]:8443'],
  ['TLS where it says so', { txt: { tls: '1' } }, 'https://172.17.0.1:8443'],
  [
    'the name that it wants to be reached by',
    { txt: { url: 'https://home.example/x' } },
    'https://home.example',
  ],
  ['no address of another kind', { txt: { url: 'javascript:alert(1)' } }, 'http://172.17.0.1:8443'],
])('takes %s', (_, changes, url) => {
  expect(readService({ ...heard, ...changes })?.url).toBe(url);
});

it.each([
  ['1883', '0', 'mqtt://172.17.0.1:1883'],
  ['8883', '1', 'mqtts://172.17.0.1:8883'],
  ['70000', '1', null],
  ['x', '1', null],
])('reads the port of MQTT: %s', (mqtt, mqtts, mqttUrl) => {
  expect(readService({ ...heard, txt: { mqtt, mqtts } })?.mqttUrl).toBe(mqttUrl);
});

it.each([
  ['no address', { addresses: [] }],
  ['addresses that need an interface', { addresses: ['fe80::1'] }],
  ['no port', { port: 0 }],
  ['a name that is too long', { name: 'x'.repeat(256) }],
])('is nothing with %s', (_, changes) => {
  expect(readService({ ...heard, ...changes })).toBeNull();
});
