export { ConfigError, readConfig } from './read-config.ts';
export { type Config, type ConfigRow, describeConfig, endsTls, renderConfigTable } from './schema.ts';
export { type ShownSetting, showConfig } from './show-config.ts';
