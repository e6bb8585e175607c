#!/usr/bin/env node
// The command. Plain JavaScript, so that a Node too old for the rest can still say so.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 24 || (major === 24 && minor >= 7)) await import('../src/main.ts')
else {
  // In a checkout the package brings its own Node: use it whatever the machine has.
  const own = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
  if (existsSync(own)) {
    const child = spawn(own, process.argv.slice(1), { stdio: 'inherit' })
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal))
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? (signal ? 1 : 0)
    })
  } else {
    console.error(
      `Countersign needs Node 24.7 or newer; this is ${process.version}. Install it from nodejs.org.`,
    )
    process.exitCode = 2
  }
}
