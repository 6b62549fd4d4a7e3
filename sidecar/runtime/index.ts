/**
 * The process's own parts: logger, metrics, durations, real clock, timers and chance, the pump of
 * an engine, readiness, orderly end. Invariant: nothing here knows of work, peers or tables.
 */
export { realClock, realRandom, realTimers, realWallClock } from "./clock.ts";
export type { Timers, WallClock } from "./clock.ts";
export { formatDuration, maxDurationMs, parseDuration } from "./duration.ts";
export type { ParsedDuration } from "./duration.ts";
export { Health } from "./health.ts";
export type { Readiness } from "./health.ts";
export { createLogger, silentLogger } from "./logger.ts";
export type {
  LogFields,
  LogLevel,
  LogMethod,
  Logger,
  LoggerOptions,
  RootLogger,
} from "./logger.ts";
export { createMetrics, declareMetrics, maxSeriesPerMetric } from "./metrics.ts";
export type {
  Counter,
  Gauge,
  Handles,
  Histogram,
  MetricDeclaration,
  MetricSet,
  Metrics,
  MetricsOptions,
} from "./metrics.ts";
export { RuntimeError } from "./runtime-error.ts";
export type { RuntimeErrorCode } from "./runtime-error.ts";
export { Scheduler } from "./scheduler.ts";
export type { SchedulerOptions } from "./scheduler.ts";
export { Shutdown } from "./shutdown.ts";
export type { ShutdownComponents, ShutdownStep } from "./shutdown.ts";
