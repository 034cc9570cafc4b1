import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { InvariantError } from '../../kernel/errors.ts';
import type { Metrics } from './types.ts';

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
      const counter = new Counter({ ...checked(description), registers });
      return { add: (labels, amount = 1) => counter.inc(labels, amount) };
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
    async render() {
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
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
