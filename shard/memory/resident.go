package memory

import (
	"bytes"
	"os"
	"strconv"
)

// Resident is the process's resident memory in bytes, mapped files included, from /proc; 0 where there is none.
func Resident() int64 { return statm(1) }

// Private is the part of Resident that the system could not drop and read again from a file.
func Private() int64 { return statm(1) - statm(2) }

// statm is a field of /proc/self/statm in bytes.
func statm(field int) int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) <= field {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[field]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
