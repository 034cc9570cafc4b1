/**
 * What a client is known by: strangers who choose the same client id are apart, and one that reconnects is the same again.
 */
export function knownClientId(username: string, clientId: string): string {
  return JSON.stringify([username, clientId]);
}

/** The user name of a client that is known by this id; an id of another form is nobody's. */
export function usernameOfClient(knownId: string): string | null {
  try {
    const parts: unknown = JSON.parse(knownId);
    const [username] = Array.isArray(parts) ? (parts as unknown[]) : [];
    return typeof username === 'string' ? username : null;
  } catch {
    return null;
  }
}
