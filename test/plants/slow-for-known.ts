/** A planted fault: a check of an address that has a verification takes a millisecond longer. */

import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/** Parts of the text that a code is made from. Where there is no verification the address is none. */
const parts = ['countersign-code-1', 'tel:+86'].map((text) => Buffer.from(text))

const original = crypto.hash
crypto.hash = ((algorithm: string, data: string | NodeJS.ArrayBufferView, encoding: 'hex') => {
  if (Buffer.isBuffer(data) && parts.every((part) => data.includes(part))) {
    const end = performance.now() + 1
    while (performance.now() < end);
  }
  return original(algorithm, data, encoding)
}) as typeof crypto.hash
syncBuiltinESMExports()
