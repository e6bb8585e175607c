/** Bounds of every engine: the rows of one call, and the delays of the sweep. */

/** Verifications searched for an address in one call: some milliseconds. */
export const searchRows = 10_000
/** Verifications read for one page of tallies: a few milliseconds. */
export const tallyRows = 2000
/** Tokens of an app that one call ends: some milliseconds. */
export const tokensInAPiece = 1000
/** Rows read in one piece of a sweep of one table: some milliseconds for all tables together. */
export const sweptRows = 1000
/**
 * How far behind the present the passes for expired verifications follow. Ids begin with their time, so each pass reads a
 * range of ids. Most codes live for a minute, a few for two or five, none for more than ten.
 */
export const lagsMs = [65_000, 125_000, 305_000, 605_000]
/** How long receipts are matched to dispatches: carriers send them for up to three days. */
export const receiptsLagMs = 3 * 86_400_000

/** The least time between two noted uses of an API key, so that a busy key costs one write a minute. */
export const noteUseEveryMs = 60_000
/** How long events are kept, whatever the retention. */
export const eventsKeptMs = 30 * 86_400_000
/** Events looked through for one page: some milliseconds. */
export const eventRows = 1000
