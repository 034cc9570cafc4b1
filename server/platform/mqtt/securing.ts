import { createHash, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { Tls } from '../tls/certificate.ts';
import { isClientOf } from '../tls/client-certificates.ts';

/**
 * Puts TLS around a connection where there is a certificate; the client begins with its handshake. With an authority (PEM) a client shows a certificate
 * that it has issued: without one the handshake fails, with another one the connection is cut before anything of it is read.
 */
export function createSecuring(tls: Tls | null, clientAuthority: string | null): (socket: Socket) => Socket {
  if (tls === null) return (socket) => socket;
  let secureContext: SecureContext | null = null;
  tls.whenRenewed(() => {
    secureContext = contextOf(tls, clientAuthority);
  });
  const authority = clientAuthority === null ? null : new X509Certificate(clientAuthority);
  const asked = authority !== null;
  return (socket) => {
    secureContext ??= contextOf(tls, clientAuthority);
    const certified = { requestCert: asked, rejectUnauthorized: asked };
    const secured = new TLSSocket(socket, { isServer: true, secureContext, ...certified });
    if (authority !== null) {
      secured.once('secure', () => {
        const shown = secured.getPeerX509Certificate();
        if (shown === undefined || !isClientOf(authority, shown, Date.now())) secured.destroy();
      });
    }
    return secured;
  };
}

function contextOf(tls: Tls, clientAuthority: string | null): SecureContext {
  const { certificatePem, keyPem } = tls.current();
  return createSecureContext({
    cert: certificatePem,
    key: keyPem,
    minVersion: `TLSv${tls.versionMin}`,
    // Named to clients, so that they know which of theirs to show.
    ...(clientAuthority === null
      ? {}
      : { ca: clientAuthority, sessionIdContext: sessionContextOf(clientAuthority) }),
  });
}

/** Clients that show certificates may resume their sessions only where the server names what these belong to: 32 characters at most (OpenSSL). */
const sessionContextOf = (clientAuthority: string): string =>
  createHash('sha256').update(clientAuthority).digest('hex').slice(0, 32);
