import type { TestProject } from 'vitest/node';
import { type RunningTestCluster, startTestCluster } from './test-cluster.ts';

/** One cluster a run, though each project with a database calls this, from a module of its own. */
const shared = globalThis as typeof globalThis & {
  yggdrasilTestCluster?: { starting: Promise<RunningTestCluster>; users: number };
};

/** Provides `testCluster` to the tests of a project. Gives the function that vitest calls at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.yggdrasilTestCluster ??= { starting: startTestCluster(), users: 0 };
  const cluster = shared.yggdrasilTestCluster;
  cluster.users++;
  const { stop, ...testCluster } = await cluster.starting;
  project.provide('testCluster', testCluster);
  return async () => {
    cluster.users--;
    if (cluster.users > 0) return;
    delete shared.yggdrasilTestCluster;
    await stop();
  };
}
