// Package memory tells what memory this process has and what the system could still give it.
//
// # Caveats
//
// The numbers are Linux's; elsewhere [Resident] is 0 and [Available] a careful guess.
package memory
