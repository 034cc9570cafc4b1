/** What the table must show, scenario by scenario; a scenario that isn't named has no bound of its own. */
export const THRESHOLDS = {
  /** Least Jain index of shares by capacity inside a price band. */
  jainMin: 0.95,
  /** p99 of the time to the first token and of the time per token beside the best policy. */
  latencyRatioMax: 1.15,
  /** Mean price beside taking turns, where prices are spread by three. */
  priceRatioMax: 0.93,
  /** Part of the time of honest machines that is paused. */
  pausedShareMax: 0.02,
  /** Milliseconds until a newcomer has its first request. */
  newcomerMsMax: 60_000,
  /** Share of its capacity that who fails a quarter of its requests has, and a gouger. */
  unreliableShareMax: 0.9,
  gougerShareMax: 0.001,
  /** The same of a cartel at four times the price, which stays below the price guard, and of who begins five seconds late. */
  cartelShareMax: 0.75,
  lateShareMax: 1.05,
  /** Most that the share may go with the price where prices are spread by three: at -1 who asks twice as much has half. */
  elasticityMax: -0.3,
  /** p99 of the time to the first token in milliseconds where one machine lies about its slots. */
  liarFirstTokenP99MsMax: 5_000,
} as const;
