// Gives a server the settings of its process that cannot be changed once it runs: by taking its own place, which costs 25 ms.
// Without it a server took a third more memory after eight seconds of sends (docs/speed.md, "Start, memory, and rest").

/** MiB of a half of the young generation. By itself V8 lets it grow to 32, which costs as much CPU. */
const semiSpace = '--max-semi-space-size=8'
/** Pools of glibc's malloc. By itself it has eight for each processor, and each keeps what was freed in it. */
const arenas = { MALLOC_ARENA_MAX: '2' }

/** @param {string[]} args Of the command. Returns if this process is as it should be, or is not to be replaced. */
export function becomeServerProcess(args) {
  const [name] = Object.keys(arenas)
  // A worker is started by a process that has the settings already, and would lose its channel to it.
  if (args[0] !== 'serve' || process.connected || process.env[name] !== undefined) return
  // Not there on Windows.
  process.execve?.(
    process.execPath,
    [process.execPath, ...process.execArgv, semiSpace, ...process.argv.slice(1)],
    {
      ...process.env,
      ...arenas,
    },
  )
}
