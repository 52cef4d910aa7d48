// Package admin is how the command line reaches the books of a running router: an HTTP server on loopback and its client.
//
// The server writes its address and a random token to admin.json in the router's data folder, readable by its owner only: who can
// read the folder may manage keys. The router's public listener has none of this.
//
//	POST   /admin/keys               account.NewKey -> NewKeyReply
//	GET    /admin/keys               -> []account.Key
//	PATCH  /admin/keys/{ref}         account.KeyChange -> account.Key
//	POST   /admin/keys/{ref}/rotate  Rotation -> NewKeyReply
//	DELETE /admin/keys/{ref}         -> account.Key
//	GET    /admin/usage              ?key= &user= &since= &until= (RFC 3339) &by_user=true -> []account.Total
//	GET    /admin/usage/export       ?from= &to= &by=key,user,model,day -> []account.Row
//	GET    /admin/verify             -> account.Report
//
// ref is an id, or a name that only one key has. A field that is not known is refused.
//
// Errors are {"error": "..."}.
//
// # Caveats
//
// The file outlives a router that is killed: a client that gets no connection says that no router runs.
package admin
