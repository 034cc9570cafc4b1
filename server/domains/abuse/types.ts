/**
 * What is counted. `credentials`: tokens that nobody has. `codes`: wrong codes for signing in, set-up, recovery, claims, programs and
 * invitations. `ids`: things that aren't there or are somebody else's, and tenants of others. `flood`: what was refused as too much.
 * `spending`: a tenant that pays far more than it used to.
 */
export const ABUSE_KINDS = ['credentials', 'codes', 'ids', 'flood', 'spending'] as const;
export type AbuseKind = (typeof ABUSE_KINDS)[number];

/** What is done about it, the weakest first: a few calls in a minute; none, and what is open ends; none for a day. */
export const MEASURES = ['throttle', 'cut_off', 'lock'] as const;
export type MeasureKind = (typeof MEASURES)[number];

/** Who is counted: a principal for what it does with its own credentials, an API key by itself, which others may have been given, an address for what comes without a valid one. */
export interface Subject {
  readonly kind: 'account' | 'api_key' | 'device' | 'tenant' | 'address';
  /** An id; of an address, IPv6 by its first 64 bits. */
  readonly id: string;
}

/** Something that somebody did and that is counted. */
export interface Offence {
  readonly kind: AbuseKind;
  readonly subject: Subject;
  /** What was tried: the same again isn't a guess and isn't counted. Null: it counts each time. */
  readonly tried: string | null;
  /** Told of, and never answered: somebody must be left to undo what was done to others. */
  readonly isOperator: boolean;
}

/** What is done about somebody until a time. */
export interface AbuseMeasure {
  readonly id: string;
  readonly subject: Subject;
  readonly measure: MeasureKind;
  /** Why. */
  readonly kind: AbuseKind;
  /** How much was counted when it began. */
  readonly count: number;
  readonly beganAtMs: number;
  readonly endsAtMs: number;
}

/** Something an operator is told of. */
export interface AbuseAlert {
  readonly subject: Subject;
  readonly kind: AbuseKind;
  readonly count: number;
  /** Null: nothing was done, it is only told. */
  readonly measure: AbuseMeasure | null;
}
