/**
 * Ratatoskr, for both ends: the handshake, the signed and encrypted messages, and who may send what when. Needs nothing
 * of Node. The primitives are an input: `noble.ts` has them for browsers, `node.ts` for Node.
 */
export * from './channel.ts';
export * from './device-signature.ts';
export * from './limits.ts';
export * from './noise.ts';
export * from './puzzle.ts';
export * from './request-types.ts';
export * from './sealing.ts';
export * from './session.ts';
