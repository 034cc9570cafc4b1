/** True for an address of IPv4 or IPv6, or `localhost`, that only programs on the same machine reach. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^(::ffff:)?127\./i.test(address);
}

/**
 * What limits count an address under: IPv4 by itself, IPv6 by its first 64 bits, which is the least that one household or
 * machine gets (RFC 6177), so that it has as many addresses as it likes. What is no address counts by itself.
 */
export function addressGroup(address: string): string {
  if (!address.includes(':')) return address;
  const [left = '', right] = address.split('::', 2);
  const groups = left === '' ? [] : left.split(':');
  const after = right === undefined || right === '' ? [] : right.split(':');
  const missing = right === undefined ? 0 : IPV6_GROUPS - groups.length - after.length;
  const all = [...groups, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...after];
  const network = all
    .slice(0, IPV6_NETWORK_GROUPS)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase());
  return `${network.join(':')}::/64`;
}

const IPV6_GROUPS = 8;
const IPV6_NETWORK_GROUPS = 4;
