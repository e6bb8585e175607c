/** All that Redis keeps, as text: each key with its value, of whatever type. */

import { type Reply, redisCommand } from './redis-command.ts'

const readers: Readonly<Record<string, (key: string) => readonly string[]>> = {
  string: (key) => ['GET', key],
  hash: (key) => ['HGETALL', key],
  list: (key) => ['LRANGE', key, '0', '-1'],
  set: (key) => ['SMEMBERS', key],
  zset: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
  stream: (key) => ['XRANGE', key, '-', '+'],
}

/** @param ports  Of the masters. @returns A line of JSON for each key. */
export async function redisDump(ports: readonly number[], password: string | null): Promise<string> {
  const lines: string[] = []
  for (const port of ports) {
    const ask = (...args: string[]) => redisCommand(port, password, args)
    for (const key of (await ask('KEYS', '*')) as string[]) {
      const type = String(await ask('TYPE', key))
      if (type === 'none') continue // it ran out in the meantime
      const reader = readers[type]
      if (!reader) throw new Error(`a key of Redis has the type ${type}, which the dump does not read`)
      const value: Reply = await ask(...reader(key))
      lines.push(JSON.stringify([key, value]))
    }
  }
  return lines.join('\n')
}
