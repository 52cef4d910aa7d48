package wire

import "fmt"

// MaxName is the longest name of a cluster, node, router or boot in bytes.
const MaxName = 64

// CheckName refuses what cannot be one token of a subject: kind says whose name it is. Letters, digits, '-' and '_'
// are allowed, so that a name can also be a file's, a label's and a host's.
func CheckName(kind, name string) error {
	if name == "" || len(name) > MaxName {
		return fmt.Errorf("wire: %s name %.80q: want 1 to %d characters", kind, name, MaxName)
	}
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		default:
			return fmt.Errorf("wire: %s name %q: only letters, digits, '-' and '_' are allowed, not %q", kind, name, r)
		}
	}
	return nil
}
