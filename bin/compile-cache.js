// Keeps compiled code in the data folder, so that the next start is quicker. Plain JavaScript, and called before anything
// else is loaded: code that is loaded before is compiled, and its types are taken out, at every start.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** @param {string[]} args Those of the command. @param {Record<string, string | undefined>} env Gets the folder for threads and workers, which have caches of their own. */
export function keepCompiled(args, env) {
  if (env.NODE_COMPILE_CACHE || env.NODE_DISABLE_COMPILE_CACHE) return
  const dataFolder = dataFolderOf(args, env)
  const { uid } = userInfo()
  if (args[0] === 'serve') makeForNow(dataFolder, uid)
  // Only in a folder of this user: a command leaves nothing behind where there is none, and nobody else's code is run.
  if (statSync(dataFolder, { throwIfNoEntry: false })?.uid !== uid) return
  const folder = join(dataFolder, 'cache')
  enableCompileCache(folder)
  env.NODE_COMPILE_CACHE = folder
}

/** A guess at the setting `data`. If it is wrong the start is slower, and nothing else. */
function dataFolderOf(args, env) {
  return (
    optionOf(args, '--data') ??
    env.COUNTERSIGN_DATA ??
    statedIn(optionOf(args, '--config') ?? env.COUNTERSIGN_CONFIG) ??
    './data'
  )
}

function optionOf(args, name) {
  const at = args.findIndex((one) => one === name || one.startsWith(`${name}=`))
  return at < 0 ? undefined : args[at] === name ? args[at + 1] : args[at].slice(name.length + 1)
}

/** By its plain form, for the parser of YAML is one of the things that take long to load. */
function statedIn(file) {
  if (file === undefined) return undefined
  try {
    return /^data:\s*["']?([^"'#\r\n]*[^"'#\s])/m.exec(readFileSync(file, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** Makes the folder of a first start, and takes it away again if the start was refused and put nothing in. */
function makeForNow(folder, uid) {
  try {
    // Root leaves it to who knows the user of the service, by the folder above.
    if (uid === 0 && statSync(dirname(resolve(folder))).uid !== 0) return
    mkdirSync(folder, { mode: 0o700 })
  } catch {
    return // it is there, or the one above is not
  }
  process.on('exit', () => {
    try {
      if (readdirSync(folder).every((name) => name === 'cache')) rmSync(folder, { recursive: true })
    } catch {
      // Nobody is hindered by it.
    }
  })
}
