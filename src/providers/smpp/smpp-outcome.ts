/** The meaning of a command_status for a message and for a bind, and its name. */

import { DeliveryError, type DeliveryErrorKind } from '../../delivery/provider.ts'

/** Names of SMPP 3.4, table 5-2. Carriers have their own statuses beyond it. */
const names: Readonly<Record<number, string>> = {
  0: 'ESME_ROK',
  1: 'ESME_RINVMSGLEN',
  2: 'ESME_RINVCMDLEN',
  3: 'ESME_RINVCMDID',
  4: 'ESME_RINVBNDSTS',
  5: 'ESME_RALYBND',
  6: 'ESME_RINVPRTFLG',
  7: 'ESME_RINVREGDLVFLG',
  8: 'ESME_RSYSERR',
  10: 'ESME_RINVSRCADR',
  11: 'ESME_RINVDSTADR',
  12: 'ESME_RINVMSGID',
  13: 'ESME_RBINDFAIL',
  14: 'ESME_RINVPASWD',
  15: 'ESME_RINVSYSID',
  17: 'ESME_RCANCELFAIL',
  19: 'ESME_RREPLACEFAIL',
  20: 'ESME_RMSGQFUL',
  21: 'ESME_RINVSERTYP',
  51: 'ESME_RINVNUMDESTS',
  52: 'ESME_RINVDLNAME',
  64: 'ESME_RINVDESTFLAG',
  66: 'ESME_RINVSUBREP',
  67: 'ESME_RINVESMCLASS',
  68: 'ESME_RCNTSUBDL',
  69: 'ESME_RSUBMITFAIL',
  72: 'ESME_RINVSRCTON',
  73: 'ESME_RINVSRCNPI',
  80: 'ESME_RINVDSTTON',
  81: 'ESME_RINVDSTNPI',
  83: 'ESME_RINVSYSTYP',
  84: 'ESME_RINVREPFLAG',
  85: 'ESME_RINVNUMMSGS',
  88: 'ESME_RTHROTTLED',
  97: 'ESME_RINVSCHED',
  98: 'ESME_RINVEXPIRY',
  99: 'ESME_RINVDFTMSGID',
  100: 'ESME_RX_T_APPN',
  101: 'ESME_RX_P_APPN',
  102: 'ESME_RX_R_APPN',
  103: 'ESME_RQUERYFAIL',
  192: 'ESME_RINVOPTPARSTREAM',
  193: 'ESME_ROPTPARNOTALLWD',
  194: 'ESME_RINVPARLEN',
  195: 'ESME_RMISSINGOPTPARAM',
  196: 'ESME_RINVOPTPARAMVAL',
  254: 'ESME_RDELIVERYFAILURE',
  255: 'ESME_RUNKNOWNERR',
}

export const statuses = {
  ok: 0x00,
  invalidCommand: 0x03,
  alreadyBound: 0x05,
  systemError: 0x08,
  invalidDestination: 0x0b,
  bindFailed: 0x0d,
  invalidPassword: 0x0e,
  queueFull: 0x14,
  throttled: 0x58,
  temporaryError: 0x64,
} as const

/**
 * The only final status is the one of SMPP 3.4 (table 5-2) about the recipient: Invalid Dest Addr. All others are about us,
 * our account, our sender or this carrier's state: the next carrier may succeed, and operators must learn of it. 0x66 is an
 * application's reason and 0xFE belongs to data_sm_resp: in an answer to submit_sm neither is surely about the recipient.
 */
const kinds: Readonly<Record<number, DeliveryErrorKind>> = {
  11: 'refused',
  20: 'throttled',
  88: 'throttled',
}

/** 0x14 and 0x58: the message was not taken, but the same bind will take it soon (S-3). */
export function isThrottling(status: number): boolean {
  return kinds[status] === 'throttled'
}

/**
 * Refusals of a bind that end by themselves: the SMSC has not noticed yet that our last session is dead, or it has an
 * error or too much load. Any other (password, name, system type …) stays until an operator mends it (S-1).
 */
export function isPassingBindRefusal(status: number): boolean {
  return status === statuses.alreadyBound || status === statuses.systemError || isThrottling(status)
}

/** The settings that may cause a status, because the carrier expects other values. */
const settingsOf: Readonly<Record<number, string>> = {
  7: 'receipts',
  10: 'sender',
  13: 'systemId, password, bind, interfaceVersion',
  14: 'password',
  15: 'systemId',
  21: 'serviceType',
  72: 'sourceTon',
  73: 'sourceNpi',
  80: 'destinationTon',
  81: 'destinationNpi',
  83: 'systemType',
  98: 'validity',
  192: 'optionalParameters',
  193: 'optionalParameters',
}

/** E.g. `0x00000062 ESME_RINVEXPIRY; see the setting validity`; a carrier's own code has no name. */
export function statusWords(status: number): string {
  const code = `0x${status.toString(16).toUpperCase().padStart(8, '0')}`
  const name = names[status]
  const settings = settingsOf[status]
  const named = name === undefined ? code : `${code} ${name}`
  if (settings === undefined) return named
  return `${named}; see the setting${settings.includes(',') ? 's' : ''} ${settings}`
}

/** A submit answered with a status other than 0. */
export function deliveryErrorOf(status: number): DeliveryError {
  return new DeliveryError(kinds[status] ?? 'unavailable', statusWords(status))
}
