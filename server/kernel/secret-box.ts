/** Encrypts small secrets under the server's master key. */
export interface SecretBox {
  /** `secret` encrypted and bound to `context`, for example `devices|signing_key|<id>`. */
  seal(secret: Uint8Array, context: string): Uint8Array;
  /** What `seal` was given, under the same key and context; throws InvariantError for anything else. */
  open(sealed: Uint8Array, context: string): Uint8Array;
}
