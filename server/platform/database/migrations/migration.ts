/** One step of the schema. Both texts may hold several statements; each runs in one transaction as the owner. */
export interface Migration {
  /** `NNNN-what`: the order, and the key in `schema_migrations`. Never changed once released. */
  readonly name: string;
  readonly up: string;
  /** Takes back what `up` did, with the data it held. */
  readonly down: string;
}
