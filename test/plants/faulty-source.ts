/** Plants a fault in the product's own source, as it is loaded: `PLANT` names one of the table. */

import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { plants } from './faulty-sources.ts'

const plant = plants[process.env.PLANT ?? '']
if (!plant) throw new Error(`PLANT names no fault: ${process.env.PLANT}`)
const root = fileURLToPath(new URL('../../', import.meta.url))

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    if (!url.startsWith('file:')) return loaded
    const edits = plant[fileURLToPath(url).slice(root.length)]
    if (!edits) return loaded
    let source = String(loaded.source)
    for (const [from, to] of edits) {
      // A fault that is no longer planted would prove nothing.
      if (source.split(from).length !== 2) throw new Error(`found not once in ${url}: ${from}`)
      source = source.replace(from, () => to)
    }
    return { ...loaded, source }
  },
})
