export { type ConfigRow, describeConfig, renderConfigTable } from './describe.ts';
export { ConfigError, readConfig } from './read-config.ts';
export { type Config, endsTls } from './schema.ts';
export { type ShownSetting, showConfig } from './show-config.ts';
