package kernels

import "golang.org/x/sys/unix"

// hugePages asks for large pages: a weight is read front to back for every token.
func hugePages(b []byte) {
	if len(b) >= 4<<20 {
		_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	}
}

// forget gives whole pages back to the system; they must not be used again.
func forget(b []byte) { _ = unix.Madvise(b, unix.MADV_DONTNEED) }
