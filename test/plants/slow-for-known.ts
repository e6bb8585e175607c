/** A planted fault: a check of an address that has a verification takes a millisecond longer. */

import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

const original = crypto.createHmac
crypto.createHmac = ((algorithm: string, key: crypto.KeyObject) => {
  const mac = original(algorithm, key)
  const update = mac.update.bind(mac) as (data: string) => crypto.Hmac
  mac.update = ((data: string) => {
    if (typeof data === 'string' && data.includes('tel:+86')) {
      const end = performance.now() + 1
      while (performance.now() < end);
    }
    return update(data)
  }) as typeof mac.update
  return mac
}) as typeof crypto.createHmac
syncBuiltinESMExports()
