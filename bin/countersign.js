#!/usr/bin/env node
// The command. Plain JavaScript, so that a Node too old for the rest can still say so.
import { spawn } from 'node:child_process'
import { ownNode } from './own-node.js'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 24 || (major === 24 && minor >= 7)) {
  // Only now: an older Node cannot load these.
  const { becomeServerProcess } = await import('./server-process.js')
  becomeServerProcess(process.argv.slice(2))
  // What is written is for its owner alone: the store, its log and backups, and compiled code.
  process.umask(0o077)
  const { keepCompiled } = await import('./compile-cache.js')
  keepCompiled(process.argv.slice(2), process.env)
  await import('../src/main.ts')
} else runBy(ownNode())

/** @param {string | undefined} own The Node of the lock file. */
function runBy(own) {
  if (!own) {
    console.error(
      `Countersign needs Node 24.7 or newer; this is ${process.version}. Install it from nodejs.org, or run npm ci without --omit=optional: it brings one.`,
    )
    process.exitCode = 2
    return
  }
  // In the place of this process, where this Node can do so.
  process.execve?.(own, [own, ...process.argv.slice(1)])
  const child = spawn(own, process.argv.slice(1), { stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal ? 1 : 0)
  })
}
