export { fencedDatabase } from './fenced-database.ts';
export { createNode, type Node, type NodeDependencies } from './node.ts';
export { createNodeStore, type NodeStore } from './store.postgres.ts';
