import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { InvariantError } from '../../kernel/errors.ts';
import type { Labels, Metrics } from './types.ts';

const PREFIX = 'yggdrasil_';
/** Whom a metric must not name: there are too many of them, and who they are is nobody's business. */
const PERSONAL_LABEL = /tenant|user|device|network|provider|token|client/;

/** A registry of its own, so that several servers can live in one process. Counts the process itself, too. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const registers = [registry];

  return {
    counter(description) {
      const counts = new Counts(description.labels);
      new Counter({
        ...checked(description),
        registers,
        collect() {
          counts.takeEach((labels, amount) => this.inc(labels, amount));
        },
      });
      return { add: (labels, amount = 1) => counts.add(labels, amount) };
    },
    histogram(description) {
      const histogram = new Histogram({
        ...checked(description),
        buckets: [...description.buckets],
        registers,
      });
      return { observe: (labels, value) => histogram.observe(labels, value) };
    },
    gauge(description) {
      const gauge = new Gauge({ ...checked(description), registers });
      return { set: (labels, value) => gauge.set(labels, value) };
    },
    measuredGauge(description, measure) {
      new Gauge({
        ...checked({ ...description, labels: [] }),
        registers,
        collect() {
          this.set(measure());
        },
      });
    },
    async read() {
      const sums = new Map<string, number>();
      for (const { name, values } of await registry.getMetricsAsJSON()) {
        const counted = values.filter((value) => {
          const own = (value as { metricName?: string }).metricName ?? name;
          return own === name || own === `${name}_count`;
        });
        sums.set(
          name,
          counted.reduce((sum, { value }) => sum + Number(value), 0),
        );
      }
      return sums;
    },
    async readBy(name, label) {
      const sums = new Map<string, number>();
      const metric = await registry.getSingleMetric(name)?.get();
      for (const { labels, value } of metric?.values ?? []) {
        const key = String((labels as Record<string, unknown>)[label] ?? '');
        sums.set(key, (sums.get(key) ?? 0) + value);
      }
      return sums;
    },
    async render() {
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** What was counted since metrics were read: the library takes several times as long to add. */
class Counts<Name extends string> {
  readonly #names: readonly Name[];
  readonly #counted = new Map<string, { readonly labels: Labels<Name>; amount: number }>();

  constructor(names: readonly Name[]) {
    this.#names = names;
  }

  add(labels: Labels<Name>, amount: number): void {
    const key = this.#keyOf(labels);
    const counted = this.#counted.get(key);
    if (counted === undefined) this.#counted.set(key, { labels, amount });
    else counted.amount += amount;
  }

  takeEach(take: (labels: Labels<Name>, amount: number) => void): void {
    for (const { labels, amount } of this.#counted.values()) take(labels, amount);
    this.#counted.clear();
  }

  #keyOf(labels: Labels<Name>): string {
    const [only] = this.#names;
    if (only !== undefined && this.#names.length === 1) return labels[only];
    return this.#names.map((name) => labels[name]).join('\0');
  }
}

/** Throws InvariantError for a foreign name and for a label that would name somebody. */
function checked<Name extends string>(description: { name: string; help: string; labels: readonly Name[] }) {
  const { name, help, labels } = description;
  if (!name.startsWith(PREFIX)) throw new InvariantError(`the metric ${name} is not named ${PREFIX}...`);
  const personal = labels.find((label) => PERSONAL_LABEL.test(label));
  if (personal !== undefined)
    throw new InvariantError(`the metric ${name} must not be labelled by ${personal}`);
  return { name, help, labelNames: [...labels] };
}
