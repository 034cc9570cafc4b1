import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { Tls } from '../tls/certificate.ts';

/** Puts TLS around a connection where there is a certificate; the client begins with its handshake. */
export function createSecuring(tls: Tls | null): (socket: Socket) => Socket {
  if (tls === null) return (socket) => socket;
  let secureContext: SecureContext | null = null;
  tls.whenRenewed(() => {
    secureContext = contextOf(tls);
  });
  return (socket) => {
    secureContext ??= contextOf(tls);
    return new TLSSocket(socket, { isServer: true, secureContext });
  };
}

function contextOf(tls: Tls): SecureContext {
  const { certificatePem, keyPem } = tls.current();
  return createSecureContext({ cert: certificatePem, key: keyPem, minVersion: `TLSv${tls.versionMin}` });
}
