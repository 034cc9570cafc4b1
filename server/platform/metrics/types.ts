/** Label names are fixed when a metric is made; every one must be given. */
export type Labels<Name extends string> = Readonly<Record<Name, string>>;

export interface Counter<Name extends string> {
  add(labels: Labels<Name>, amount?: number): void;
}

export interface Histogram<Name extends string> {
  observe(labels: Labels<Name>, value: number): void;
}

export interface Gauge<Name extends string> {
  set(labels: Labels<Name>, value: number): void;
}

interface Description<Name extends string> {
  /** `yggdrasil_...`, the unit as its last word but for `_total`: `yggdrasil_http_request_duration_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly Name[];
}

/** What the server counts about itself, for Prometheus. Label values never come from requests. */
export interface Metrics {
  counter<Name extends string>(description: Description<Name>): Counter<Name>;
  /** `buckets` are upper bounds, in the unit of the name. */
  histogram<Name extends string>(
    description: Description<Name> & { readonly buckets: readonly number[] },
  ): Histogram<Name>;
  gauge<Name extends string>(description: Description<Name>): Gauge<Name>;
  /** A gauge that is asked when metrics are read. */
  measuredGauge(description: Omit<Description<never>, 'labels'>, measure: () => number): void;
  /** What each metric has come to, over all its labels; of a histogram, how often something was observed. */
  read(): Promise<ReadonlyMap<string, number>>;
  /** What one metric has come to for each value of a label. */
  readBy(name: string, label: string): Promise<ReadonlyMap<string, number>>;
  /** Everything as Prometheus reads it (text format 0.0.4). */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}
