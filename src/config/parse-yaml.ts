/** The parser of YAML, loaded when there is a file to read: a server without one starts without its 72 modules. */

import { createRequire } from 'node:module'
import type * as Yaml from 'yaml'

const require = createRequire(import.meta.url)

/** Never throws: what is wrong stands in `errors`. */
export function parseYaml(text: string): Yaml.Document.Parsed {
  return (require('yaml') as typeof Yaml).parseDocument(text)
}
