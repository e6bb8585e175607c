/** The log: JSON lines with listed fields only, whatever a caller passes. */

import pino from 'pino'

/**
 * Every field that a log line may have. A field that is not here is left out, so that no code, key, token or address gets
 * into the log with an object that happens to hold one.
 */
export const logFields = [
  'requestId',
  'method',
  'route',
  'status',
  'errorCode',
  'tookMs',
  'tenant',
  'app',
  'member',
  'verification',
  'message',
  'provider',
  'channel',
  'country',
  'outcome',
  'scope',
  'rule',
  'dispatches',
  'count',
  'worker',
  'listener',
  'reason',
  'until',
] as const

export type LogFields = Partial<Record<(typeof logFields)[number], string | number>>

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export type Log = {
  debug(text: string, fields?: LogFields): void
  info(text: string, fields?: LogFields): void
  warn(text: string, fields?: LogFields): void
  error(text: string, fields?: LogFields): void
  flush(): void
}

/**
 * @param always  Fields of every line.
 * @param write  Takes whole lines; defaults to standard error through a buffer.
 */
export function createLog(level: LogLevel, always: LogFields = {}, write?: (line: string) => void): Log {
  const destination = write ? { write } : pino.destination({ dest: 2, sync: true, minLength: 0 })
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  const line = (severity: Exclude<LogLevel, 'silent'>) => (text: string, fields?: LogFields) => {
    if (logger.isLevelEnabled(severity)) logger[severity](allowed({ ...always, ...fields }), text)
  }
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    flush: () => logger.flush(),
  }
}

function allowed(fields: LogFields): LogFields {
  const kept: LogFields = {}
  for (const name of logFields) if (fields[name] !== undefined) kept[name] = fields[name]
  return kept
}
