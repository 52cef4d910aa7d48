// Package account knows who may ask, how much, and what was used.
//
// A [Book] is the ledger of one data folder. It owns two files:
//
//	ledger.db   bbolt: keys, rate limits, holds, usage records, totals
//	journal     append-only: how far each answer has been delivered
//
// # The life of a request
//
//	Admit    checks expiry, models, and of key and user budgets, requests/min, tokens/min and concurrency; debits them and writes a
//	         hold: all or nothing.
//	         The decision is made in memory; the first byte waits for Grant.Durable.
//	Lease    allows output tokens in small blocks ahead of need. A budget is hard. Tokens/min never cut a running answer:
//	         they go into debt, which later requests wait for.
//	Deliver  journals a position before it is written to the client.
//	Settle   once: usage record, totals and balance in, hold out, what was leased and not used back. A replay returns the same record.
//
// A process that dies leaves holds. [Open] settles each of them at its last journalled position, so that after kill -9
// what was written to clients <= what is accounted <= what was written + one event per live choice.
//
// # Ownership
//
// One goroutine (writer.go) owns keys, limits, holds and totals in memory: it decides each request in order, while another commits
// what was decided before, together. No decision waits for the disk. A third (journal.go) owns the journal, a fourth (retry.go) the
// settlements that failed.
// A second process that opens the same folder is refused.
//
// # Money
//
// Costs are integers of a pico-dollar ([Pico]), prices are pico-dollars a token: nothing is ever rounded. Prices are fixed in
// the hold, so that a change of prices does not touch running requests.
//
// # Caveats
//
//   - The journal is written, not synced, before the client is: it survives the death of the process. Loss of power can
//     lose its last 100 ms, in the customer's favour.
//   - Totals are kept in memory, one per pair of key and user.
//   - Sums of money end at 9.2 million dollars a key (int64 of pico-dollars); a price above $1000 a million tokens is refused.
package account
