/** Rules of a block: conditions on the status of an answer and the values in it, decided as one yes or no. */

import type { Condition, Rules } from '../../config/carriers/block-schema.ts'
import { type Find, finderOf, maxMatched, type Said } from './selectors.ts'

/** @param status  0 where there is none, as in a call-back. */
export type Holds = (said: Said, status: number) => boolean

/** @returns A function: does one of the rules hold, that is, do all of its conditions? Without rules it is always no. */
export function ruleOf(rules: Rules | undefined): Holds {
  if (rules === undefined) return () => false
  const each = [rules].flat().map((rule) =>
    Object.entries(rule)
      .filter(([at]) => at !== 'source') // for readers
      .map(([at, is]) => conditionOf(at, is)),
  )
  return (said, status) => each.some((conditions) => conditions.every((holds) => holds(said, status)))
}

function conditionOf(at: string, condition: Condition): Holds {
  if (at === 'status') {
    const wanted = [condition].flat().map(String)
    const exact = new Set(wanted.map(Number))
    // `4xx` stands for all of its hundred.
    const hundreds = new Set(wanted.filter((one) => /^\dxx$/.test(one)).map((one) => Number(one[0])))
    return (_, status) => exact.has(status) || hundreds.has(Math.floor(status / 100))
  }
  const find = subjectOf(at)
  if (typeof condition === 'object' && 'present' in condition)
    return (said) => (find(said) !== null) === condition.present
  if (typeof condition === 'object' && 'match' in condition) {
    const expression = new RegExp(condition.match, 'u')
    return (said) => expression.test((find(said) ?? '').slice(0, maxMatched))
  }
  const wanted = [condition].flat().map(String)
  return (said) => wanted.includes(find(said) ?? '')
}

function subjectOf(at: string): Find {
  if (at === 'text') return ({ text }) => text
  return at.startsWith('header:') ? finderOf({ header: at.slice('header:'.length) }) : finderOf(at)
}
