// Package admin is how the command line reaches the books of a running router: an HTTP server on loopback and its client.
//
// The server writes its address and a random token to admin.json in the router's data folder, readable by its owner only: who can
// read the folder may manage keys. The router's public listener has none of this.
//
//	POST   /keys              account.NewKey -> NewKeyReply
//	GET    /keys              -> []account.Key
//	DELETE /keys/{ref}        -> account.Key; ref is an id, or a name that only one key has
//	GET    /usage             ?key= &user= &since= (RFC 3339) &by_user=true -> []account.Total
//	GET    /verify            -> account.Report
//
// Errors are {"error": "..."}.
//
// # Caveats
//
// The file outlives a router that is killed: a client that gets no connection says that no router runs.
package admin
