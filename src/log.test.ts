import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, type LogFields } from './log.ts'

function logged(
  level: Parameters<typeof createLog>[0],
  act: (log: ReturnType<typeof createLog>) => void,
): Record<string, unknown>[] {
  const lines: string[] = []
  act(createLog(level, { worker: 2 }, (line) => lines.push(line)))
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('A-3: only listed fields get out, whatever is passed', () => {
  const fields = {
    requestId: 'r',
    status: 200,
    code: '123456',
    token: 't',
    contact: '+8613800138000',
    body: { code: 1 },
  }
  const [line] = logged('info', (log) => log.info('answered', fields as LogFields))
  assert.deepEqual(Object.keys(line!).toSorted(), ['level', 'msg', 'requestId', 'status', 'time', 'worker'])
})

test('lines below the level are not written', () => {
  const lines = logged('warn', (log) => {
    log.debug('no')
    log.info('no')
    log.warn('yes')
    log.error('yes')
  })
  assert.deepEqual(
    lines.map(({ level, msg }) => [level, msg]),
    [
      ['warn', 'yes'],
      ['error', 'yes'],
    ],
  )
  assert.deepEqual(
    logged('silent', (log) => log.error('no')),
    [],
  )
})
