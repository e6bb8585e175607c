/**
 * Loaded into the process of each test file: one that is kept alive by what its tests left open ends, and fails. Node's
 * own `--test-force-exit` loses the last results of a file, failures too, for it ends before they are written.
 */

import { after } from 'node:test'

/** After the last test. What ends by itself has ended by then. */
const leftoversMs = 20_000

if (process.env.NODE_TEST_CONTEXT !== undefined)
  after(() => {
    setTimeout(() => {
      console.error('what the tests left open is ended')
      process.exit(1)
    }, leftoversMs).unref()
  })
