import { describe, expect, test } from 'vitest';
import {
  canonicalAddress,
  createClientAddresses,
} from '../../../server/platform/listening/client-addresses.ts';

const trusting = createClientAddresses(['10.0.0.1', '192.168.0.0/16', '2001:db8:ffff::/48']);

describe('the client', () => {
  test('is who is connected, where that is no trusted proxy, whatever the header says', () => {
    for (const clients of [trusting, createClientAddresses([])]) {
      expect(clients.clientOf('10.0.0.2', ['203.0.113.5'])).toEqual({
        address: '10.0.0.2',
        isProxied: false,
      });
    }
  });

  test.each([
    ['203.0.113.5', '203.0.113.5', 'the only hop'],
    ['198.51.100.1, 203.0.113.5', '203.0.113.5', 'the last hop: those before it are what the client says'],
    ['198.51.100.1, 203.0.113.5, 192.168.7.7', '203.0.113.5', 'the last hop that is no trusted proxy'],
    ['192.168.1.1, 192.168.7.7', '192.168.1.1', 'the first proxy, where all are'],
    ['203.0.113.5:4711', '203.0.113.5', 'a hop with its port'],
    ['[2001:DB8::0:5]:4711', '2001:db8::5', 'an IPv6 hop with its port'],
    ['2001:0db8:0:0::5', '2001:db8::5', 'an IPv6 hop in another form'],
    ['::ffff:203.0.113.5', '203.0.113.5', 'IPv4 in IPv6'],
    ['203.0.113.5, 2001:db8:ffff::9', '203.0.113.5', 'the hop before an IPv6 proxy'],
    ['', '10.0.0.1', 'the proxy, which says nothing'],
    ['unknown', '10.0.0.1', 'the proxy, which says no address'],
    ['203.0.113.5, _hidden, 192.168.7.7', '192.168.7.7', 'the last hop before what is no address'],
    ['203.0.113.5, ', '10.0.0.1', 'the proxy, which left its place empty'],
  ])('behind a proxy with X-Forwarded-For: %s is %s, %s', (header, address) => {
    expect(trusting.clientOf('10.0.0.1', [header])).toEqual({ address, isProxied: true });
  });

  test('is in the last of several headers', () => {
    expect(trusting.clientOf('10.0.0.1', ['198.51.100.1', '203.0.113.5']).address).toBe('203.0.113.5');
  });

  test('of a proxy that the library names in full IPv6 is found', () => {
    const proxy = '2001:0db8:ffff:0000:0000:0000:0000:0001';
    expect(trusting.clientOf(proxy, ['203.0.113.5'])).toEqual({ address: '203.0.113.5', isProxied: true });
  });
});

test.each([
  ['2001:0DB8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['192.0.2.1', '192.0.2.1'],
  ['unknown', 'unknown'],
])('%s is written %s', (address, expected) => {
  expect(canonicalAddress(address)).toBe(expected);
});
