/** What every engine keeps to: rows in one call, and how long after its time a thing is over. */

/** Verifications looked through for an address in one call: some milliseconds. */
export const searchRows = 10_000
/** Verifications looked at for one page of tallies: a few milliseconds. */
export const tallyRows = 2000
/** Of the tokens of an app in one call: some milliseconds. */
export const tokensInAPiece = 1000
/** Rows looked at in one piece of one table: some milliseconds for all of them together. */
export const sweptRows = 1000
/**
 * Ids begin with their time, so what ran out is found by passes that follow the present at a distance:
 * most live for a minute, a few for two or five, none for more than ten.
 */
export const lagsMs = [65_000, 125_000, 305_000, 605_000]
/** Carriers tell for up to three days what became of a message; after that nothing is looked up by their ids. */
export const receiptsLagMs = 3 * 86_400_000
