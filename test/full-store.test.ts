/** A store that answers and takes no writes, as on a full disk. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { ofTheEmbeddedStore } from './engine.ts'
import { canMount, openSmallDisk } from './reliability/small-disk.ts'
import { bin, newNumber, paths, type Server, startServer } from './server.ts'
import { until } from './until.ts'

const mounts = canMount() ? {} : { skip: 'needs root, to mount a small disk' }

const doctor = ({ dataFolder, env }: Server) =>
  new Promise<{ code: number; store: string }>((resolve) => {
    const args = [bin, 'doctor', '--dev', '--json', '--data', dataFolder]
    execFile(process.execPath, args, { env: { ...process.env, ...env } }, (error, out) => {
      const { findings } = JSON.parse(out) as { findings: { check: string; text: string }[] }
      const store = findings.find(({ check }) => check === 'store')!.text
      resolve({ code: error ? Number(error.code) : 0, store })
    })
  })

const isWritable = async (server: Server) =>
  /^countersign_store_writable (\d)$/m.exec((await server.call('GET', '/metrics')).text)?.[1]

test('on a full disk the server is not ready, the metric and doctor say so, and room heals it', {
  ...mounts,
  ...ofTheEmbeddedStore('its disk is filled'),
}, async () => {
  using disk = openSmallDisk(64)
  await using server = await startServer({ dataFolder: disk.folder, args: ['--limits', 'none'] })
  const token = await server.logIn('full')
  const send = () => server.call('POST', paths.send, { token, body: { contact: newNumber() } })
  const ready = async () => (await server.call('GET', '/readyz')).status
  assert.equal(await ready(), 200)
  assert.equal(await isWritable(server), '1')
  assert.equal((await doctor(server)).code, 0)

  disk.fill(0)
  await until(async () => (await send()).status === 500)
  await until(async () => (await ready()) === 503)
  for (let nth = 0; nth < 20; nth++) assert.equal(await ready(), 503, 'and not ready by turns')
  assert.equal(await isWritable(server), '0')
  const bad = await doctor(server)
  assert.equal(bad.code, 1)
  assert.match(bad.store, /full/)
  assert.equal((await server.call('GET', '/livez')).status, 200)

  disk.empty()
  await until(async () => (await ready()) === 200)
  await until(async () => (await isWritable(server)) === '1')
  assert.equal((await send()).status, 200)
})
