/**
 * Puts the Node of the lock file where npm scripts find it, after npm ci. npm 11 has done so itself; npm 9 and 10
 * take the link away again with the packages of other platforms, which have a program of the same name.
 */

import { existsSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ownNode } from '../bin/own-node.js'

const link = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))
const own = ownNode()
if (own && process.platform !== 'win32' && !existsSync(link))
  symlinkSync(join(relative(dirname(link), dirname(own)), 'node'), link)
