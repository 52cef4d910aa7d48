// Package ledger lets a router use the books of another one over the bus.
//
// The router that owns the ledger's files serves them with [Serve] at wire.Subjects.Ledger; another has a [Client], which is to its
// endpoint what account.Book is to the owner's: admission, leases, the journal, settlement and keys. Limits and budgets
// are those of one ledger, so that they hold over all routers together, to the token.
//
// # How nothing is lost or doubled
//
// The bus delivers at most once, so a request to the owner is asked again until it is answered or patience (10 s) ends. Each may
// come twice: an admission of a request that is held returns its grant, and of one that is settled is refused; a lease names the number
// of tokens in all; a position in the journal only rises; a settlement is done once.
//
// A token is written to a socket only after the owner has journalled it. Marks of all requests that wait travel together, one
// message at a time.
//
// # Deaths
//
// A settlement that the owner does not answer is asked again for 10 s after its handler has gone on. One that the owner cannot write
// it tries again itself.
//
// A router says every second which requests it has. Those that it has no more, and all of one that has been silent for 10 s,
// are settled by the owner at their last journalled position. Until then they hold what they reserve.
//
// While the owner is away, requests of other routers wait for their next lease or mark; they go on where it comes back within their
// patience, for its ledger keeps what they hold, and end with an error where it does not. New ones are refused.
//
// A message names the ledger by its id. Another owner's books in the same cluster do not answer it.
//
// # Caveats
//
//   - An admission returns when its hold is on disk: the first token of a router without its own ledger comes one commit later.
//   - Who can reach the bus with the cluster's secret can use the ledger. Secrets of keys travel as their SHA-256.
package ledger
