import { createHash, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { Tls } from '../tls/certificate.ts';

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
        if (!isIssuedBy(authority, secured.getPeerX509Certificate())) secured.destroy();
      });
    }
    return secured;
  };
}

/** Purposes of a certificate that a client may show (RFC 5280 section 4.2.1.12): its own one, and any. */
const CLIENT_PURPOSES: ReadonlySet<string> = new Set(['1.3.6.1.5.5.7.3.2', '2.5.29.37.0']);

/** True for a certificate that the authority itself has issued, for clients where it says for whom, and that is good now. */
function isIssuedBy(authority: X509Certificate, shown: X509Certificate | undefined): boolean {
  if (shown === undefined || !shown.checkIssued(authority) || !shown.verify(authority.publicKey))
    return false;
  // Undefined where it names no purpose, which the library's types don't say.
  const purposes = shown.keyUsage as readonly string[] | undefined;
  if (purposes?.some((purpose) => CLIENT_PURPOSES.has(purpose)) === false) return false;
  const nowMs = Date.now();
  return Date.parse(shown.validFrom) <= nowMs && nowMs < Date.parse(shown.validTo);
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
