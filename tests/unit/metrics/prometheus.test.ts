import { expect, test } from 'vitest';
import { createMetrics } from '../../../server/platform/metrics/prometheus.ts';

test('counters, histograms and gauges appear in the text, each registry for itself', async () => {
  const metrics = createMetrics();
  const requests = metrics.counter({
    name: 'yggdrasil_requests_total',
    help: 'Requests.',
    labels: ['operation'],
  });
  requests.add({ operation: 'a.b' });
  requests.add({ operation: 'a.b' }, 2);
  metrics
    .histogram({ name: 'yggdrasil_duration_seconds', help: 'Time.', labels: [], buckets: [0.1, 1] })
    .observe({}, 0.5);
  metrics.gauge({ name: 'yggdrasil_open', help: 'Open.', labels: ['kind'] }).set({ kind: 'x' }, 4);
  let measured = 1;
  metrics.measuredGauge({ name: 'yggdrasil_measured', help: 'Measured.' }, () => measured);
  measured = 9;
  const { contentType, text } = await metrics.render();
  expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(text).toContain('yggdrasil_requests_total{operation="a.b"} 3');
  expect(text).toContain('yggdrasil_duration_seconds_bucket{le="1"} 1');
  expect(text).toContain('yggdrasil_open{kind="x"} 4');
  expect(text).toContain('yggdrasil_measured 9');
  expect(text).toContain('yggdrasil_process_cpu_seconds_total');
  expect((await createMetrics().render()).text).not.toContain('yggdrasil_requests_total');
});

test('a foreign name, and a label that would name somebody, are refused', () => {
  const metrics = createMetrics();
  expect(() => metrics.counter({ name: 'requests_total', help: '', labels: [] })).toThrow(
    'not named yggdrasil_',
  );
  for (const label of ['tenant', 'tenant_id', 'userId', 'device', 'clientId']) {
    expect(() => metrics.counter({ name: `yggdrasil_${label}`, help: '', labels: [label] })).toThrow(
      'labelled',
    );
  }
});
