import { BlockList, isIP, SocketAddress } from 'node:net';

/** Who the client at the other end of a connection is. */
export interface ClientAddress {
  /** As `canonicalAddress` gives it. */
  readonly address: string;
  /** True where a trusted proxy is connected, which serves many clients. */
  readonly isProxied: boolean;
}

/** Finds the client's address, behind proxies that are trusted to name it. */
export interface ClientAddresses {
  /** True for a proxy that is believed. */
  trusts(peer: string): boolean;
  /**
   * Whose request it is that came from `peer` with these `X-Forwarded-For` headers. Each proxy adds at the right who
   * connected to it: the rightmost address that isn't a trusted proxy's is the client's, what is left of it is hearsay. The
   * headers mean nothing where `peer` isn't trusted itself.
   */
  clientOf(peer: string, forwardedFor: readonly string[]): ClientAddress;
}

/** Addresses of clients; `trustedProxies` are addresses and ranges, `192.0.2.1`, `2001:db8::/32`. */
export function createClientAddresses(trustedProxies: readonly string[]): ClientAddresses {
  const proxies = new BlockList();
  for (const entry of trustedProxies) {
    const [address = '', prefix] = entry.split('/');
    const family = familyOf(address);
    if (prefix === undefined) proxies.addAddress(address, family);
    else proxies.addSubnet(address, Number(prefix), family);
  }
  const trusts = (address: string) =>
    trustedProxies.length > 0 && isIP(address) !== 0 && proxies.check(address, familyOf(address));
  return {
    trusts,
    clientOf(peer, forwardedFor) {
      const address = canonicalAddress(peer);
      if (!trusts(peer)) return { address, isProxied: false };
      let client = address;
      for (const entry of forwardedFor.join(',').split(',').reverse()) {
        const hop = hopOf(entry.trim());
        if (hop === null) break;
        client = hop;
        if (!trusts(hop)) break;
      }
      return { address: client, isProxied: true };
    },
  };
}

/**
 * An address in the one form it has everywhere: IPv4 with dots, also where IPv6 carries it; IPv6 as RFC 5952 writes it. What
 * is no address stays as it is.
 */
export function canonicalAddress(address: string): string {
  if (!address.includes(':') || isIP(address) !== 6) return address;
  const [zoneless = ''] = address.split('%', 1);
  return new SocketAddress({ address: zoneless, family: 'ipv6' }).address.replace(/^::ffff:(?=\d+\.)/, '');
}

/** One entry of the header; some proxies add the port. Null: no address. */
function hopOf(entry: string): string | null {
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry;
  return isIP(bare) === 0 ? null : canonicalAddress(bare);
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
