export { ConfigError, readConfig } from './read-config.ts';
export { type Config, type ConfigRow, describeConfig, renderConfigTable } from './schema.ts';
export { type ShownSetting, showConfig } from './show-config.ts';
