#!/usr/bin/env node
// The command. Plain JavaScript, so that a Node too old for the rest can still say so.
import { spawn } from 'node:child_process'
import { ownNode } from './own-node.js'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 24 || (major === 24 && minor >= 7)) await import('../src/main.ts')
else {
  const own = ownNode()
  if (own) {
    const child = spawn(own, process.argv.slice(1), { stdio: 'inherit' })
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal))
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? (signal ? 1 : 0)
    })
  } else {
    console.error(
      `Countersign needs Node 24.7 or newer; this is ${process.version}. Install it from nodejs.org, or run npm ci without --omit=optional: it brings one.`,
    )
    process.exitCode = 2
  }
}
