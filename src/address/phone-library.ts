/**
 * The library of phone numbers with its metadata. Loaded at the first number: it is 150 kB of patterns in 70 files, which
 * every thread and command would pay for at its start.
 */

import { createRequire } from 'node:module'
import type * as Core from 'libphonenumber-js/core'
import type * as Library from 'libphonenumber-js/max'
import type metadata from 'libphonenumber-js/metadata.max.json'

const require = createRequire(import.meta.url)
let library: typeof Library | undefined

export function phoneLibrary(): typeof Library {
  library ??= require('libphonenumber-js/max') as typeof Library
  return library
}

/** The numbering plans of the library's metadata. */
export function newPhoneMetadata(): Core.Metadata {
  const { Metadata } = require('libphonenumber-js/core') as typeof Core
  // Its types want literal texts, which those of a JSON file are not.
  return new Metadata(phoneMetadata() as never)
}

/** The metadata that the library works with. */
export function phoneMetadata(): typeof metadata {
  return require('libphonenumber-js/metadata.max.json') as typeof metadata
}

/** Whether a text is an ISO 3166-1 region that has numbers. */
export function isSupportedRegion(text: string): boolean {
  return phoneLibrary().isSupportedCountry(text)
}
