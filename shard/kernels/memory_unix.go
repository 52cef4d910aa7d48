//go:build unix

package kernels

import "golang.org/x/sys/unix"

// Reserve returns n bytes of zeroed memory outside Go's heap. Pages that are never written cost nothing.
func Reserve(n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	return unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

// Release gives back what Reserve returned; nothing may use it afterwards.
func Release(b []byte) { release(b) }

func release(b []byte) {
	if b != nil {
		_ = unix.Munmap(b)
	}
}
